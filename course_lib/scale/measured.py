"""Rates from what was measured: a file of accounts, or the folder of a finished ``course run``.

A file is JSON. Either it names tokens a second of one GPU, by stage::

    {"sample": {"tokens_per_second": 1200}, "train": {"tokens_per_second": 9000}}

or it has the accounts of runs (:class:`~course_lib.base.Account`) with the work they did::

    {"model": "helpdesk/policy", "runs": [{"work": {"prompts": 64, "n": 16, "tokens": 25,
     "prompt_tokens": 21, "epochs": 3, "batch_size": 32}, "sample": {"tokens_sampled": 25600,
     "seconds": 2.1}, "train": {"tokens_trained": 8800, "seconds": 1.2}}]}
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..base import CourseError, number, read_json, require
from .catalogue import Gpu, Model, model_named
from .planning import plan
from .plans import Cards, Work
from .rates import COUNTED, Measured, Rate, Rates

EXPECTED = (
    "Expected tokens a second by stage, such as "
    '{"sample": {"tokens_per_second": 1200}}, or accounts of runs, or the folder of a `course run`.'
)


def read_rates(path: str | Path, model: Model, gpu: Gpu, reward: Model | None = None) -> Rates:
    """The rates in the file or run folder ``path``, for ``model`` on one ``gpu``.

    Raises :class:`~course_lib.base.CourseError` for a file that holds none, and for rates of a
    model of another size.
    """
    path = Path(path)
    require(path.exists(), f"no rates at {path}: give a JSON file or the folder of a `course run`.")
    content = _of_folder(path) if path.is_dir() else _of_file(path)
    if "runs" in content:
        _check_model(content, model, path)
        return measured_rates(content["runs"], model, gpu, reward, path.name)
    stages = {}
    for name, value in content.items():
        require(
            name in COUNTED and isinstance(value, Mapping) and "tokens_per_second" in value,
            f"{path} has {name!r}, which is no rate. {EXPECTED}",
        )
        rate = number(value["tokens_per_second"], f"tokens_per_second of {name}", 0)
        require(rate > 0, f"tokens_per_second of {name} in {path} must be above 0.")
        stages[name] = Rate(0.0, 1 / rate)
    require(len(stages) > 0, f"{path} has no rates. {EXPECTED}")
    return Rates(stages, path.name)


def measured_rates(
    runs: Iterable[Mapping[str, Any]],
    model: Model,
    gpu: Gpu,
    reward: Model | None = None,
    source: str = "measured",
) -> Rates:
    """Rates from ``runs``: mappings with "work" and an account for each stage that was measured.

    ``work`` has the fields of :class:`~course_lib.scale.plans.Work`. How many parts a stage had is
    what a plan of that work says.
    """
    points: dict[str, list[Measured]] = {}
    seen: dict[str, float] = {}
    for run in runs:
        work = _work(run, source)
        small = plan(model, work, Cards(gpu), reward or model)
        for name, counted in COUNTED.items():
            account = run.get(name)
            if not account or not account.get(counted):
                continue
            parts = max(1, small.stage(name).parts)
            points.setdefault(name, []).append(
                Measured(account[counted], parts, account["seconds"])
            )
        seen |= {"tokens": work.tokens, "prompt_tokens": work.prompt_tokens}
        if "score" in run:
            every = work.replies * (work.tokens + work.prompt_tokens)
            seen["distinct"] = min(1.0, run["score"].get(COUNTED["score"], every) / every)
    require(len(points) > 0, f"{source} has no account of a stage. {EXPECTED}")
    return Rates({name: Rate.of(found) for name, found in points.items()}, source, seen)


def _work(run: Mapping[str, Any], source: str) -> Work:
    try:
        return Work(**run["work"])
    except (KeyError, TypeError) as error:
        raise CourseError(f"a run in {source} does not say what it did ({error}).") from None


def _of_file(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CourseError(f"{path} is no JSON ({error}). {EXPECTED}") from None
    require(isinstance(content, dict), f"{path} holds no rates. {EXPECTED}")
    return content


def _check_model(content: Mapping[str, Any], model: Model, path: Path) -> None:
    measured = content.get("model")
    if measured is None:
        return
    size = model_named(measured).shape.parameters
    require(
        size == model.shape.parameters,
        f"the rates of {path} were measured with {measured} ({size:,} parameters), and this plan "
        f"is for {model.name} ({model.shape.parameters:,}). Measure that model, or leave --rate "
        "out.",
    )


def _of_folder(path: Path) -> dict[str, Any]:
    """What a finished ``course run`` left: its settings, and its stages' accounts."""
    stages = sorted(path.glob("stages/round*/done.json"))
    require(
        (path / "run.json").is_file() and len(stages) > 0,
        f"{path} is not the folder of a finished `course run`: it has no run.json and no stages.",
    )
    settings = read_json(path / "run.json")
    flops = model_named(settings["policy"]).flops()
    found: dict[str, dict[str, Any]] = {}
    for file in stages:
        name, _, kind = file.parent.name.partition("-")
        kind = {"samples": "sample", "policy": "train"}.get(kind.split("-")[0], "")
        if kind:
            found.setdefault(name, {})[kind] = read_json(file)["account"]
    runs = [_run_of(settings, accounts, flops) for accounts in found.values()]
    runs = [run for run in runs if run]
    require(len(runs) > 0, f"{path} has no account of a sampling: its replies came from a file.")
    return {"model": settings["policy"], "runs": runs}


def _run_of(
    settings: Mapping[str, Any], accounts: Mapping[str, Any], flops: float
) -> dict[str, Any] | None:
    """One round: what it did, read off its accounts."""
    sampled = accounts.get("sample")
    if not sampled or not sampled["tokens_sampled"]:
        return None
    prompts, n = settings["prompts"], settings["sampling"]["n"]
    epochs = settings["training"]["epochs"]
    tokens = sampled["tokens_sampled"] / (prompts * n)
    # every token that was drawn went through the model, and every prompt's once
    asked = max(1.0, (sampled["flops"] / flops - sampled["tokens_sampled"]) / prompts)
    trained = accounts.get("train", {}).get("tokens_trained", 0)
    kept = trained / max(epochs, 1e-9) / (tokens + asked)
    work = {
        "prompts": prompts,
        "n": n,
        "tokens": tokens,
        "prompt_tokens": asked,
        "keep": min(1.0, kept / (prompts * n)),
        "epochs": epochs,
        "batch_size": settings["training"]["batch_size"],
    }
    return {"work": work, **accounts}
