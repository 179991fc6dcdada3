"""The loop on somebody else's rollouts: score, select and fine-tune on replies read from a file."""

import numpy as np
import torch

from ..assets import resolve
from ..base import require
from ..estimators import bootstrap_interval, decidable, paired_difference, pass_at_k
from ..methods import held_out_loss, trained
from ..models import load_policy, score
from ..pools import RULES, Selection, read_rollouts, system_report, threshold
from .sources import make_reward


def run_on_rollouts(
    world,
    path,
    reward,
    policy,
    stages,
    seed=0,
    skip_bad=False,
    template="chat",
    device=None,
    t=None,
    epochs=None,
    lr=None,
):
    """Score, select and fine-tune on replies read from a JSONL file instead of sampled ones.

    What is kept is split by prompt into nine tenths to train on and one tenth held out; the
    policy's loss on the held-out part is compared before and after. Without ``policy`` a tiny Qwen3
    with random weights is trained, which shows that the loop works and nothing about reasoning.
    """
    from ..models import tiny_policy

    pool = read_rollouts(path, skip_bad=skip_bad)
    verifiable = getattr(world, "verifiable", False)
    names = list(pool.rewards)
    spec = reward or ("verifier" if verifiable else names[0] if names else None)
    require(
        spec is not None,
        f"{path} holds no rewards, and none was asked for: give --reward DIR, gold or verifier.",
    )
    if spec in names and spec != "verifier":
        by = spec
    else:
        pool, by = score(pool, make_reward(spec, world, device), "proxy"), "proxy"
    result = {
        "rollouts": str(path),
        "prompts": pool.P,
        "candidates": int(pool.present.sum()),
        "reward": spec,
        "skipped": len(pool.provenance.skipped or ()),
    }
    binary = set(torch.unique(pool.rewards[by][pool.present]).tolist()) <= {0.0, 1.0}
    if pool.provenance.systems is not None:
        from ..pools import agreement

        report, agreed = system_report(pool, by), agreement(pool)
        result["systems"] = {k: v.to_dict() for k, v in report["accuracy"].items()}
        result["differences"] = {k: v.to_dict() for k, v in report["difference"].items()}
        result["agreement"] = {
            "compared": agreed["compared"],
            "agree": agreed["agree"],
            "disagree": agreed["disagree"],
        }
    if binary:
        complete = pool.present.all(1)
        if complete.any():
            right = pool.rewards[by][complete]
            ks = sorted({1, 2, 4, 8, 16, pool.N} & set(range(1, pool.N + 1)))
            result["pass_at"] = {
                str(k): bootstrap_interval(pass_at_k(right, [k])[:, 0]).to_dict() for k in ks
            }
            result["decidable"] = float(decidable(right).mean())
        chosen = threshold(pool, by=by, minimum=1.0)
    else:
        chosen = RULES["best_per_prompt"](pool, by=by)
    require(len(chosen) > 0, "no candidate passed the reward, so there is nothing to fine-tune on.")
    usable = chosen.prompt_index.unique().tolist()
    require(
        len(usable) >= 10,
        f"only {len(usable)} prompts of {path} have a reply that was kept; at least 10 are "
        "needed, so that some can be held out.",
    )
    if policy is None:
        reference = [*pool.prompts, *(text for row in pool.texts for text in row)]
        base = tiny_policy(reference, "qwen3", width=128, layers=2, seed=seed, system=world.system)
        lr, epochs = lr or 2e-3, epochs or 3
    else:
        base = load_policy(resolve(policy), device=device, system=world.system, template=template)
    held = {
        usable[i]
        for i in np.random.default_rng(seed).permutation(len(usable))[: max(2, len(usable) // 10)]
    }
    keep = torch.tensor([i not in held for i in chosen.prompt_index.tolist()])

    def part(mask):
        return Selection(
            pool,
            chosen.prompt_index[mask],
            chosen.candidate_index[mask],
            chosen.weights[mask],
            chosen.rule,
            chosen.settings,
        )

    train_part, held_part = part(keep), part(~keep)
    student = trained(
        base,
        train_part,
        {
            "epochs": epochs or t.epochs,
            "lr": lr or t.lr,
            "batch_size": t.batch_size,
            "seed": seed,
            "accumulate": t.accumulate,
            "dtype": getattr(torch, t.dtype)
            if t.dtype != "float32" and base.device.type == "cuda"
            else None,
        },
        stages,
        "rollouts-policy",
    )
    examples = list(
        zip(base.encode(held_part.prompts), base.encode_responses(held_part.texts), strict=True)
    )
    by_prompt = [held_part.prompt_index.tolist().index(i) for i in held_part.prompt_index.tolist()]
    before, after = (
        group_mean(held_out_loss(p, examples).double().numpy(), by_prompt) for p in (base, student)
    )
    result.update(
        {
            "selected": len(chosen),
            "trained_on": len(train_part),
            "held_out_replies": len(held_part),
            "policy": base.source,
            "held_out_loss": {
                "before": bootstrap_interval(before).to_dict(),
                "after": bootstrap_interval(after).to_dict(),
                "difference": paired_difference(after, before).to_dict(),
            },
            "tokens_sampled": 0,
        }
    )
    return result


def group_mean(values, groups):
    """Means of ``values`` within equal labels of ``groups``: one number per prompt."""
    groups = np.asarray(groups)
    return np.array([values[groups == g].mean() for g in np.unique(groups)])
