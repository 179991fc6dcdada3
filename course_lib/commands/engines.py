"""The options of ``--engine ray``, and what they mean."""

import argparse
import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base import require
from .options import positive

if TYPE_CHECKING:  # torch is not imported before it is needed
    from ..scale.jobs import Place
    from ..scale.worker import Engine


def engine_arguments(p: argparse.ArgumentParser, *more: str) -> None:
    """Who does the work: this process, Ray, or ``more``."""
    p.add_argument(
        "--engine",
        choices=("here", "ray", *more),
        default="here",
        help="who does the work: this process, or Ray's workers, with the same candidates (needs "
        "the extra [scale])" + ("; or a server, see --url" if "server" in more else ""),
    )
    p.add_argument(
        "--address", help="of a Ray cluster, or auto (default: Ray on this machine alone)"
    )
    p.add_argument(
        "--workers", type=positive, help="of Ray (default: one for each GPU, else for each CPU)"
    )
    p.add_argument(
        "--part",
        type=positive,
        metavar="PROMPTS",
        help="prompts whose candidates are made and kept together; also without Ray the work is "
        "then done in parts, and goes on where it was stopped (default: by the size of replies)",
    )


def check_engine(args: Namespace) -> None:
    """Raise where options of Ray stand without it, and in one of several processes of a launch.

    Each of those would do, and write, the same.
    """
    require(
        args.engine != "here" or (args.address is None and args.workers is None),
        "--address and --workers need --engine ray.",
    )
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1 and "LOCAL_RANK" in os.environ
    require(
        not several,
        "this command is one process's, and several were started. Leave `accelerate launch` out; "
        "`course finetune` and `course train-reward` run in several.",
    )


def engine_of(args: Namespace) -> "Engine":
    """The engine that ``--engine`` names."""
    if args.engine == "ray":
        from ..scale.on_ray import OnRay

        return OnRay(args.address, args.workers)
    from ..scale.worker import here

    return here


def in_parts(args: Namespace) -> bool:
    """Whether the work is cut into parts: for Ray, where it is asked for, or by its files."""
    other = args.out is not None and not str(args.out).endswith(".npz")
    of_parts = Path(getattr(args, "pool", "") or "-").is_dir()
    return args.engine == "ray" or args.part is not None or other or of_parts


def place_of(args: Namespace) -> "Place":
    """Where the parts and the output go, and who makes them."""
    from ..scale.jobs import Place

    # workers of a cluster have a working folder of their own
    return Place(Path(args.out).resolve(), engine_of(args), args.part, args.force)


def asked(args: Namespace) -> dict[str, Any]:
    """What is sampled, and how, as every engine takes it."""
    return {
        "split": args.split,
        "prompts": args.prompts,
        "asking": {
            "template": args.template,
            "shots": args.shots,
            "prompts_file": args.prompts_file,
            "tier": args.tier,
        },
        "stop": args.stop,
        "seed": args.seed,
        "n": args.n,
        "temperature": args.temperature,
        "top_p": args.top_p,
        "top_k": args.top_k,
        "max_tokens": args.max_tokens,
        "method": args.method,
    }
