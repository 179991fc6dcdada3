"""What the assets of all worlds share.

Parts that survive an interruption, half-size weights, and the manifest.
"""

import hashlib
import shutil
import time
from pathlib import Path

from ..base import atomic_directory, read_json, versions, write_json
from . import files_of

SEED = 0


class Parts:
    """The parts of one world's assets, made in order in a hidden folder under ``out``.

    An interrupted build goes on with what is there.
    """

    def __init__(self, out, world, key, log):
        self.out, self.world, self.key, self.log, self.started = (
            Path(out),
            world,
            key,
            log,
            time.perf_counter(),
        )
        self.folder = self.out / f".{world}.partial"
        self.file = self.folder / "progress.json"
        saved = read_json(self.file) if self.file.is_file() else {}
        self.facts = saved["facts"] if saved.get("key") == key else {}
        if saved.get("key") != key:
            shutil.rmtree(self.folder, ignore_errors=True)
            write_json(self.file, {"key": key, "facts": {}})
        self.spent = sum(fact["seconds"] for fact in self.facts.values())

    @property
    def seconds(self):
        """Seconds of work so far, interruptions left out."""
        return self.spent + time.perf_counter() - self.started

    def part(self, name, make):
        """Make a part unless an interrupted build has; note what ``make`` returns about it."""
        if name not in self.facts:
            before = time.perf_counter()
            values = make()
            self.facts[name] = {**values, "seconds": round(time.perf_counter() - before, 1)}
            write_json(self.file, {"key": self.key, "facts": self.facts})
        self.log(
            f"{self.seconds:6.0f} s  {name}  "
            + "  ".join(f"{k} {v}" for k, v in self.facts[name].items())
        )

    def done(self, size):
        """Put the finished folder in its place and write the world's part of the manifest.

        Returns the manifest.
        """
        with atomic_directory(self.out / self.world) as final:
            shutil.copytree(
                self.folder,
                final,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("samples", "progress.json", "*.checkpoint"),
            )
        shutil.rmtree(self.folder)
        place = self.out / "manifest.json"
        manifest = (
            read_json(place)
            if place.is_file()
            else {"command": "course build-assets", "worlds": {}}
        )
        manifest["worlds"][self.world] = {
            "seconds": round(self.seconds),
            "versions": versions(),
            "size": size,
            "assets": self.facts,
        }
        manifest["files"] = {
            p.relative_to(self.out).as_posix(): {
                "bytes": p.stat().st_size,
                "sha256": hashlib.sha256(p.read_bytes()).hexdigest(),
            }
            for p in files_of(self.out)
        }
        manifest["bytes"] = sum(f["bytes"] for f in manifest["files"].values())
        write_json(place, manifest)
        self.log(
            f"{round(self.seconds):6} s  {len(manifest['files'])} files, "
            f"{manifest['bytes'] / 1e6:.1f} MB in all"
        )
        return manifest


def save_half(thing, path):
    """Save weights as float16 to halve the size.

    ``config.json`` says float32, which is what they are loaded as.
    """
    thing.model.half()
    thing.save(path)
    thing.model.float()
    config = read_json(path / "config.json")
    config["dtype"] = "float32"
    write_json(path / "config.json", config)
