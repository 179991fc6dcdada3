"""The loop on somebody else's rollouts: score, select and fine-tune on replies read from a file."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..base import prompt_key, require, transcript
from ..estimators import bootstrap_interval, decidable, paired_difference, pass_at_k
from ..methods import Stages, held_out_loss, trained
from ..models import Policy, score, tiny_policy
from ..pools import (
    Pool,
    Selection,
    agreement,
    best_per_prompt,
    is_verdict,
    read_rollouts,
    system_report,
    threshold,
)
from .defaults import default_lr
from .measures import signalless
from .prompting import load_asked
from .settings import RunSettings
from .sources import reward_for
from .tiers import dtype_here


@dataclass
class Split:
    """What was kept, split by prompt into a part to train on and a part held out."""

    train: Selection
    held_out: Selection


def run_on_rollouts(
    world: Any,
    path: str | Path,
    reward: str | None,
    policy: str | Path | None,
    settings: RunSettings,
    stages: Stages | None,
) -> dict[str, Any]:
    """Score, select and fine-tune on replies read from a JSONL file instead of sampled ones.

    What is kept is split by prompt into nine tenths to train on and one tenth held out; the
    policy's loss on the held-out part is compared before and after. Without ``policy`` a tiny Qwen3
    with random weights is trained, which shows that the loop works and nothing about reasoning.
    """
    pool = read_rollouts(path, settings.skip_bad, settings.keys)
    pool, by, reward_name = _scored(pool, path, reward, world, settings)
    result = {
        "rollouts": str(path),
        "prompts": pool.P,
        "candidates": int(pool.present.sum()),
        "reward": reward_name,
        "skipped": len(pool.provenance.skipped or ()),
        "dropped": pool.provenance.dropped or {},
    }
    if pool.provenance.systems is not None:
        result |= _systems(pool, by, getattr(world, "mode", "lenient"))
    if is_verdict(pool, by):
        result |= _pass_at(pool, by)
    chosen = _chosen(pool, by, settings.minimum)
    split = _split(chosen, path, settings.sampling.seed)
    base = _policy(pool, policy, world, settings)
    dtype = settings.training.dtype if base.device.type == "cuda" else None
    training = replace(settings.loop.training, dtype=dtype)
    if settings.lr_by_model:
        training = replace(training, lr=default_lr(base.model)[0])
    student = trained(base, split.train, training, stages, "rollouts-policy")
    return {
        **result,
        "selected": len(chosen),
        "trained_on": len(split.train),
        "held_out_replies": len(split.held_out),
        "policy": base.source,
        "held_out_loss": _losses(base, student, split.held_out),
        "tokens_sampled": 0,
        "lr": training.lr,
        "no_signal": signalless([pool], by),
    }


def _scored(
    pool: Pool, path: str | Path, reward: str | None, world: Any, settings: RunSettings
) -> tuple[Pool, str, str]:
    """The pool with the reward to select by, that reward's name in it, and what it is."""
    names = list(pool.rewards)
    default = names[0] if names else None
    if world.verifiable:
        default = "verifier"
    wanted = reward or default
    require(
        wanted is not None,
        f"{path} holds no rewards, and none was asked for: give --reward DIR, gold or verifier, "
        "or name them with --keys rewards=NAME.",
    )
    if wanted in names and wanted != "verifier":
        return pool, wanted, wanted
    scored = score(pool, reward_for(pool, wanted, world, settings.device), "proxy")
    return scored, "proxy", wanted


def _chosen(pool: Pool, by: str, minimum: float | None) -> Selection:
    """What passes a verifier or reaches ``minimum``; the best of each prompt by another reward."""
    if minimum is None and not is_verdict(pool, by):
        return best_per_prompt(pool, by=by)
    return threshold(pool, by=by, minimum=1.0 if minimum is None else minimum)


def _systems(pool: Pool, by: str, mode: str) -> dict[str, Any]:
    """What the released solutions of several systems show."""
    report, agreed = system_report(pool, by), agreement(pool, mode)
    return {
        "systems": {name: value.to_dict() for name, value in report["accuracy"].items()},
        "differences": {name: value.to_dict() for name, value in report["difference"].items()},
        "agreement": {name: agreed[name] for name in ("compared", "agree", "disagree")},
    }


def _pass_at(pool: Pool, by: str) -> dict[str, Any]:
    """pass@k over prompts with all their candidates, and the share of decidable prompts."""
    complete = pool.present.all(1)  # (P,)
    if not complete.any():
        return {}
    right = pool.rewards[by][complete]
    ks = sorted({1, 2, 4, 8, 16, pool.N} & set(range(1, pool.N + 1)))
    rates = {str(k): bootstrap_interval(pass_at_k(right, [k])[:, 0]).to_dict() for k in ks}
    return {"pass_at": rates, "decidable": float(decidable(right).mean())}


def _split(chosen: Selection, path: str | Path, seed: int) -> Split:
    """Nine tenths of the prompts to train on, one tenth (at least two) held out.

    Rows of the pool with one prompt stay on one side.
    """
    require(len(chosen) > 0, "no candidate passed the reward, so there is nothing to fine-tune on.")
    asked = [prompt_key(prompt) for prompt in chosen.prompts]  # K of them
    in_order = sorted(zip(chosen.prompt_index.tolist(), asked, strict=True))
    usable = list(dict.fromkeys(prompt for _, prompt in in_order))
    require(
        len(usable) >= 10,
        f"only {len(usable)} prompts of {path} have a reply that was kept; at least 10 are "
        "needed, so that some can be held out.",
    )
    mixed = np.random.default_rng(seed).permutation(len(usable))
    held = {usable[i] for i in mixed[: max(2, len(usable) // 10)]}
    keep = torch.tensor([prompt not in held for prompt in asked])

    def part(mask: torch.Tensor) -> Selection:
        return replace(
            chosen,
            prompt_index=chosen.prompt_index[mask],
            candidate_index=chosen.candidate_index[mask],
            weights=chosen.weights[mask],
        )

    return Split(part(keep), part(~keep))


def _policy(pool: Pool, policy: str | Path | None, world: Any, settings: RunSettings) -> Policy:
    """The policy to fine-tune: the one asked for, or a tiny one that knows the file's words."""
    if policy is not None:
        how = {"device": settings.device, "system": world.system, "dtype": dtype_here(settings)}
        return load_asked(policy, settings.template, **how)
    texts = [transcript(prompt) for prompt in pool.prompts]
    texts += [text for row in pool.texts for text in row]
    seed = settings.sampling.seed
    return tiny_policy(texts, "qwen3", width=128, layers=2, seed=seed, system=world.system)


def _losses(base: Policy, student: Policy, held_out: Selection) -> dict[str, Any]:
    """Held-out loss in nats per token, by prompt: before, after, and the difference."""
    prompts, texts = base.encode(held_out.prompts), base.encode_responses(held_out.texts)
    examples = list(zip(prompts, texts, strict=True))
    groups = [prompt_key(prompt) for prompt in held_out.prompts]
    before = group_mean(held_out_loss(base, examples).double().numpy(), groups)
    after = group_mean(held_out_loss(student, examples).double().numpy(), groups)
    return {
        "before": bootstrap_interval(before).to_dict(),
        "after": bootstrap_interval(after).to_dict(),
        "difference": paired_difference(after, before).to_dict(),
    }


def group_mean(values: np.ndarray, groups: Sequence[Hashable]) -> np.ndarray:
    """Means of ``values`` within equal labels of ``groups``: one number per prompt.

    In the order in which the labels first appear.
    """
    labels = np.asarray(groups)
    first = list(dict.fromkeys(groups))
    return np.array([values[labels == label].mean() for label in first])
