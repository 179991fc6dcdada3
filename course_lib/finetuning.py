"""Supervised fine-tuning on a selection, and rounds of rejection-sampling fine-tuning.

The loss is the mean negative log-probability of response tokens, the end token included and the prompt left out. Rows of
different lengths are packed end to end, so no step computes padding.

What this leaves out, against Llama 2 (2307.09288): a separate larger model that samples for smaller ones, and PPO on top.
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from .budget import hold
from .cache import Stages, fingerprint
from .errors import require
from .files import read_json, write_json
from .policy import Policy, load_policy, response_logits, token_logprobs
from .pool import STOP
from .reward import score
from .sampling import sample
from .selection import Selection, select_best
from .training import TrainingLog, train


def sft_loss(policy, examples, weights=None):
    """Summed negative log-probability, in nats, of the response tokens of a batch of (prompt ids, response ids).

    ``weights`` (one per example) scales each example's tokens. Returns (sum, number of response tokens).
    """
    logits, targets, row = response_logits(policy, examples)
    loss = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    if weights is not None:
        loss = loss * torch.as_tensor(weights, dtype=torch.float32, device=loss.device)[row]
    return loss.sum(), len(targets)


def selected_examples(policy, selection):
    """(prompt ids, response ids) of every kept candidate.

    Sampled tokens are used as they are when ``policy`` wrote them in its own vocabulary; texts are tokenized otherwise.
    A reply that was cut at the token limit gets no end token: the model must not learn to stop in mid-sentence.
    """
    pool = selection.pool
    own = pool.tokens is not None and pool.settings.get("vocabulary") == policy.vocabulary
    i, j = selection.prompt_index, selection.candidate_index
    prompt_ids = policy.encode(pool.prompts)
    if own:
        responses = [[t for t in row if t >= 0] for row in pool.tokens[i, j].tolist()]
    else:
        responses = policy.encode_responses(selection.texts)
        responses = [row if done else row[:-1] for row, done in zip(responses, (pool.finish[i, j] == STOP).tolist())]
    examples = [(prompt_ids[p], r) for p, r in zip(i.tolist(), responses)]
    return examples


def finetune(policy, selection, epochs=2.0, lr=1e-3, batch_size=32, weights=None, dtype=None, checkpoint=None, seed=0, also=(), **settings):
    """A copy of ``policy`` trained on the selected candidates; ``policy`` itself is unchanged.

    ``selection`` is a :class:`~course_lib.selection.Selection` (its weights count unless ``weights`` are given) or a list
    of (prompt, text) pairs. ``also``: more (prompt, text) pairs to train on, such as the original SFT data (RFT, 2308.01825), with weight 1. ``dtype`` float16 or bfloat16: mixed precision on a GPU, with weights kept in float32 while
    training. ``checkpoint``: a file for interrupted runs; delete it once
    the result is saved. Further settings are those of
    :func:`course_lib.training.train`. The returned policy carries ``training_log``.
    Raises when nothing was selected or a response is empty.
    """
    if isinstance(selection, Selection):
        examples = selected_examples(policy, selection)
        weights = selection.weights if weights is None else weights
    else:
        pairs = list(selection)
        examples = list(zip(policy.encode([p for p, _ in pairs]), policy.encode_responses([t for _, t in pairs])))
    extra = list(also)
    examples += list(zip(policy.encode([p for p, _ in extra]), policy.encode_responses([t for _, t in extra])))
    if weights is not None and extra:
        weights = torch.cat([torch.as_tensor(weights, dtype=torch.float32), torch.ones(len(extra))])
    require(len(examples) > 0, "nothing to fine-tune on: the selection kept no candidate. Lower the threshold, sample more candidates, or check the reward.")
    require(weights is None or len(weights) == len(examples), f"there are {len(examples)} replies but {0 if weights is None else len(weights)} weights; give one weight a reply.")
    examples_with_text = [k for k, (_, r) in enumerate(examples) if r]
    require(len(examples_with_text) == len(examples), f"{len(examples) - len(examples_with_text)} selected responses have no tokens at all; leave them out of the selection.")
    student = policy.copy()
    half = next(student.model.parameters()).dtype
    student.model.float()
    weights = None if weights is None or bool((torch.as_tensor(weights) == 1).all()) else torch.as_tensor(weights, dtype=torch.float32)

    def loss_of(indices):
        return sft_loss(student, [examples[i] for i in indices], None if weights is None else weights[indices])

    key = None if checkpoint is None else fingerprint([policy, examples, weights, epochs, lr, batch_size, seed, str(dtype)])
    log = train(student.model, loss_of, len(examples), epochs=epochs, lr=lr, batch_size=batch_size, dtype=dtype, seed=seed,
                checkpoint=None if checkpoint is None else Path(checkpoint), key=key, label="fine-tuning", **settings)
    student.model.to(half)
    student.source = f"{policy.source} fine-tuned on {len(examples)} replies"
    student.training_log = log
    return student


def held_out_loss(policy, examples):
    """(K,) negative log-probability per response token, in nats, of each (prompt ids, response ids)."""
    return torch.tensor([float(-part.mean()) for part in token_logprobs(policy, examples)])


@dataclass
class Round:
    """One round: the policy it ended with, the scored pool, what was kept of it, what was trained on, and the reward model used."""

    policy: Policy
    pool: object
    selection: Selection
    trained_on: Selection
    reward: object
    log: TrainingLog = field(default_factory=TrainingLog)


def rejection_sampling_rounds(policy, prompts, reward, rounds=1, n=16, select=select_best, start="base", keep="all", refresh=None,
                              info=None, temperature=1.0, max_tokens=96, seed=0, out=None, sampling=None, part=None, **training):
    """Rounds of sample → score → select → fine-tune. Returns a list of :class:`Round`.

    ``start``: each round trains a copy of the "base" policy or of the "last" round's. ``keep``: train on what was selected
    in "all" rounds so far, or in the "last" one only (Llama 2's V3 did, and lost skills; its fix was to pool all rounds).
    ``refresh``: None keeps the reward model frozen; a function ``(round, pool, reward) -> reward`` may train a new one on
    the current policy's replies before they are scored. ``select``: a function of the scored pool. ``sampling`` and
    ``training`` are further settings of :func:`~course_lib.sampling.sample` and :func:`finetune`.
    With ``out`` (a folder), each stage is kept under a key of everything that affects it, and a killed run goes on; while it samples, every
    ``part`` prompts are kept (see :func:`sampled`).
    """
    require(rounds >= 1, f"rounds must be at least 1; got {rounds}.")
    require(start in ("base", "last"), f"start must be 'base' or 'last'; got {start!r}.")
    require(keep in ("all", "last"), f"keep must be 'all' or 'last'; got {keep!r}.")
    stages = None if out is None else (out if isinstance(out, Stages) else Stages(out))
    current, history = policy, []
    hold(policy=policy.model, student=policy.model, reward=getattr(reward, "model", None))
    for r in range(rounds):
        settings = {"n": n, "temperature": temperature, "max_tokens": max_tokens, "seed": seed + 1000 * r, **(sampling or {})}
        pool = sampled(current, prompts, info, settings, stages, f"round{r + 1}-samples", part)
        if refresh is not None:
            reward = refresh(r, pool, reward)
        pool = score(pool, reward)
        chosen = select(pool)
        trained_on = Selection.concat([h.selection for h in history] + [chosen]) if keep == "all" and history else chosen
        before = policy if start == "base" else current
        current = trained(before, trained_on, {"seed": seed, **training}, stages, f"round{r + 1}-policy")
        history.append(Round(current, pool, chosen, trained_on, reward, current.training_log))
    return history


def sampled(policy, prompts, info, settings, stages=None, name="samples", part=None):
    """:func:`~course_lib.sampling.sample`, kept on disk in parts when ``stages`` is given.

    A crash costs at most one part: ``part`` prompts, by default as many as have about 400,000 tokens to write at most.
    """
    info = info or [{} for _ in prompts]
    if stages is None:
        return sample(policy, prompts, info=info, **settings)
    part = part or max(1, 4096 * 96 // (settings.get("n", 16) * settings.get("max_tokens", 96)))

    def make(start, stop):
        return sample(policy, prompts[start:stop], info=info[start:stop], first_prompt=start, **settings)

    keyed = {k: v for k, v in settings.items() if k != "memory_mb"}
    return stages.pool(name, {"policy": policy, "prompts": prompts, "info": info, "settings": keyed}, make, len(prompts), part)


def trained(policy, selection, settings, stages=None, name="policy"):
    """:func:`finetune`, kept on disk and resumed from its checkpoint when ``stages`` is given."""
    if stages is None:
        return finetune(policy, selection, **settings)
    examples = selected_examples(policy, selection)
    keyed = {k: str(v) if k == "dtype" else v for k, v in settings.items()}

    def make(folder, partial):
        student = finetune(policy, selection, checkpoint=partial / "checkpoint.pt", **settings)
        student.save(folder / "model")
        log = student.training_log
        write_json(folder / "log.json", {"losses": log.losses, "tokens": log.tokens, "seconds": log.seconds})

    def load(folder):
        student = load_policy(folder / "model", device=policy.device, dtype=next(policy.model.parameters()).dtype, system=policy.system, template=policy.template)
        student.training_log = TrainingLog(**read_json(folder / "log.json"))
        return student

    return stages.stage(name, {"policy": policy, "examples": examples, "weights": selection.weights.tolist(), "settings": keyed}, make, load)
