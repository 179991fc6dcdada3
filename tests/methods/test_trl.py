"""Same model, same batch, same numbers.

Our losses and advantages against TRL's trainers (the [peers] extra).
"""

import warnings

import pytest
import torch

pytest.importorskip("trl", reason="TRL is not installed: pip install -e '.[peers]'")
datasets = pytest.importorskip("datasets")

from trl import (  # noqa: E402
    DPOConfig,
    DPOTrainer,
    GRPOConfig,
    GRPOTrainer,
    RewardConfig,
    RewardTrainer,
    RLOOConfig,
    RLOOTrainer,
    SFTConfig,
    SFTTrainer,
)

from course_lib.methods import (  # noqa: E402  # noqa: E402
    advantages,
    bradley_terry_loss,
    dpo_loss,
    grpo_loss,
    padded,  # noqa: E402
    sft_loss,  # noqa: E402
    sums,
)
from course_lib.models import (  # noqa: E402
    load_policy,
    new_reward_model,  # noqa: E402
    response_logits,
    sequence_logprobs,
    tiny_policy,  # noqa: E402
    token_logprobs,
)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
PROMPTS = ["How do I reset my password?", "Hi.", "What is two plus two?", "Tell me about the sea"]
GOOD = ["Open the page.", "Hello there, hello.", "Four.", "It is wide and blue and wide."]
BAD = ["No.", "It is far and far.", "Sleep well, my friend.", "Four."]
N = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny Qwen3 on disk: TRL reads the reference from where the model came from."""
    place = tmp_path_factory.mktemp("tiny") / "policy"
    tiny_policy(PROMPTS * 3 + GOOD * 3 + BAD * 3, "qwen3", width=32, vocabulary=320, seed=1).save(
        place
    )
    return place


def settings(config, out, **more):
    return config(
        output_dir=str(out),
        per_device_train_batch_size=len(PROMPTS),
        report_to="none",
        use_cpu=True,
        bf16=False,
        fp16=False,
        gradient_checkpointing=False,
        disable_tqdm=True,
        save_strategy="no",
        logging_strategy="no",
        **more,
    )


def nudged(policy, seed=0):
    """A copy a little away from ``policy``, so that ratios and KL are not trivial."""
    other = policy.copy()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in other.model.parameters():
            p += 0.02 * torch.randn(p.shape, generator=generator)
    return other


def say(role, text):
    return [{"role": role, "content": text}]


def close(a, b, relative=1e-4, size=0.0):
    """Equal to a tolerance tied to their size, or to ``size``, that of the terms which cancel in
    them.
    """
    a, b = torch.as_tensor(a).float().detach(), torch.as_tensor(b).float().detach()
    assert a.shape == b.shape and torch.isfinite(a).all()
    assert (a - b).abs().max() <= relative * b.abs().max().clamp(min=max(1e-3, float(size))), (a, b)


def word_count(prompts, completions, **kwargs):
    """A reward with ties and differences."""
    return [float(len(c[0]["content"]) % 5) for c in completions]


def online(trainer_class, config, folder, tmp_path, sampler=None, **more):
    """A TRL trainer, its own scored batch, the model to differentiate (nudged), and ours in its
    shapes. ``sampler``: who writes, by default the reference.
    """
    policy = load_policy(folder)
    data = datasets.Dataset.from_list([{"prompt": say("user", p)} for p in PROMPTS])
    args = settings(
        config,
        tmp_path,
        num_generations=N,
        max_completion_length=12,
        generation_batch_size=len(PROMPTS) * N,
        temperature=1.0,
        num_iterations=2,
        **more,
    )
    args.per_device_train_batch_size = len(PROMPTS) * N
    trainer = trainer_class(
        model=policy.model,
        reward_funcs=word_count,
        args=args,
        train_dataset=data,
        processing_class=policy.tokenizer,
    )
    trainer.model.train()
    if sampler is not None:
        trainer.model.load_state_dict(sampler.model.state_dict())
    torch.manual_seed(0)
    inputs = trainer._generate_and_score_completions(
        [{"prompt": say("user", p)} for p in PROMPTS for _ in range(N)]
    )
    texts = [
        say("assistant", t)
        for t in policy.decode(
            [
                [int(t) for t, m in zip(row, keep, strict=True) if m]
                for row, keep in zip(
                    inputs["completion_ids"], inputs["completion_mask"], strict=True
                )
            ]
        )
    ]
    rewards = torch.tensor(word_count(None, texts)).view(-1, N)
    assert rewards.std() > 0
    mask = inputs["completion_mask"].bool()
    examples = [
        (
            [int(t) for t, m in zip(p, pm, strict=True) if m],
            [int(t) for t, m in zip(c, cm, strict=True) if m],
        )
        for p, pm, c, cm in zip(
            inputs["prompt_ids"],
            inputs["prompt_mask"],
            inputs["completion_ids"],
            inputs["completion_mask"],
            strict=True,
        )
    ]
    # not a copy of the trainer's model, whose forward it has replaced
    theta = nudged(load_policy(folder))
    trainer.model.load_state_dict(theta.model.state_dict())
    # the terms of these losses cancel: in float32 their gradients agree to three digits only
    theta.model.double(), trainer.model.double()
    logits, targets, _ = response_logits(theta, examples)
    flat = -torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    logp = torch.zeros(mask.shape, dtype=flat.dtype).masked_scatter(mask, flat)
    reference = padded(token_logprobs(load_policy(folder), examples), mask.shape[1])
    return trainer, inputs, rewards, theta, logp, reference, mask


def gradient(loss, model):
    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("kind", ["group_std", "group"])
@pytest.mark.parametrize(("level", "per"), [("dapo", "token"), ("grpo", "sequence")])
def test_grpo(folder, tmp_path, kind, level, per):
    scale = {"group_std": "group", "group": "none"}[kind]
    trainer, inputs, rewards, theta, logp, reference, mask = online(
        GRPOTrainer, GRPOConfig, folder, tmp_path, beta=0.05, loss_type=level, scale_rewards=scale
    )
    ours = advantages(rewards, kind)
    close(ours.flatten(), inputs["advantages"])
    old = (
        inputs["old_per_token_logps"] * mask
        if inputs.get("old_per_token_logps") is not None
        else reference
    )
    close(old, reference)  # TRL's reference came from disk: the policy that sampled
    close(inputs["ref_per_token_logps"] * mask, reference)
    total, terms, share = grpo_loss(logp, old, reference, ours.flatten(), mask, beta=0.05, per=per)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.current_gradient_accumulation_steps = 1
        theirs = trainer._compute_loss(trainer.model, inputs)
    normaliser = (
        terms
        if level == "grpo"
        else int(inputs["num_items_in_batch"]) / trainer.args.steps_per_generation
    )
    close(total / normaliser, theirs, size=ours.abs().mean())
    assert share > 0  # some ratios are clipped, so that branch was compared too
    close(gradient(total / normaliser, theta.model), gradient(theirs, trainer.model), 1e-3)


def test_rloo(folder, tmp_path):
    trainer, inputs, rewards, theta, logp, reference, mask = online(
        RLOOTrainer, RLOOConfig, folder, tmp_path, beta=0.0
    )
    ours = advantages(rewards, "leave_one_out")
    close(ours.flatten(), inputs["advantages"])
    total, terms, _ = grpo_loss(logp, reference, reference, ours.flatten(), mask, ratio="sequence")
    close((reference * mask).sum(-1), inputs["old_logps"])
    theirs = trainer._compute_loss(trainer.model, inputs)
    close(total / terms, theirs, size=ours.abs().mean())
    close(gradient(total / terms, theta.model), gradient(theirs, trainer.model), 1e-3)


def test_rloo_takes_the_kl_from_the_reward(folder, tmp_path):
    """Replies written by a policy away from the reference, so that the penalty is not zero."""
    writer = nudged(load_policy(folder), seed=5)
    trainer, inputs, rewards, _, _, reference, mask = online(
        RLOOTrainer, RLOOConfig, folder, tmp_path, sampler=writer, beta=0.5
    )
    examples = [
        (
            [int(t) for t, m in zip(p, pm, strict=True) if m],
            [int(t) for t, m in zip(c, cm, strict=True) if m],
        )
        for p, pm, c, cm in zip(
            inputs["prompt_ids"],
            inputs["prompt_mask"],
            inputs["completion_ids"],
            inputs["completion_mask"],
            strict=True,
        )
    ]
    kl = (padded(token_logprobs(writer, examples), mask.shape[1]) - reference).sum(-1)
    assert kl.abs().max() > 0.01
    close(
        advantages(rewards - 0.5 * kl.view_as(rewards), "leave_one_out").flatten(),
        inputs["advantages"],
    )


def pairs_data():
    return datasets.Dataset.from_list(
        [
            {
                "prompt": say("user", p),
                "chosen": say("assistant", g),
                "rejected": say("assistant", b),
            }
            for p, g, b in zip(PROMPTS, GOOD, BAD, strict=True)
        ]
    )


def test_dpo(folder, tmp_path):
    policy = load_policy(folder)
    trainer = DPOTrainer(
        model=policy.model,
        args=settings(DPOConfig, tmp_path, beta=0.3, max_length=256),
        train_dataset=pairs_data(),
        processing_class=policy.tokenizer,
    )
    theta = nudged(load_policy(folder))
    trainer.model.load_state_dict(theta.model.state_dict())
    trainer.model.eval()
    batch = next(iter(trainer.get_train_dataloader()))
    theirs = trainer.compute_loss(trainer.model, batch)
    reference = load_policy(folder)
    prompts = reference.encode(PROMPTS)
    sides = [
        list(zip(prompts, trl_responses(reference, texts), strict=True)) for texts in (GOOD, BAD)
    ]
    now = [sums(theta, side) for side in sides]
    loss, better, worse = dpo_loss(
        *now, *[sequence_logprobs(reference, side) for side in sides], beta=0.3
    )
    close(loss.mean(), theirs)
    close(gradient(loss.mean(), theta.model), gradient(theirs, trainer.model), 1e-3)


def trl_responses(policy, texts):
    """TRL takes the chat template's own ending of a reply (here the end token and a line break)."""
    prompts = policy.render(PROMPTS)
    whole = [
        policy.tokenizer.apply_chat_template(say("user", p) + say("assistant", t), tokenize=False)
        for p, t in zip(PROMPTS, texts, strict=True)
    ]
    return [
        policy.tokenizer(w[len(p) :], add_special_tokens=False)["input_ids"]
        for p, w in zip(prompts, whole, strict=True)
    ]


def test_sft(folder, tmp_path):
    policy = load_policy(folder)
    data = datasets.Dataset.from_list(
        [
            {"prompt": say("user", p), "completion": say("assistant", g)}
            for p, g in zip(PROMPTS, GOOD, strict=True)
        ]
    )
    trainer = SFTTrainer(
        model=policy.model,
        args=settings(SFTConfig, tmp_path, max_length=256),
        train_dataset=data,
        processing_class=policy.tokenizer,
    )
    theta = load_policy(folder)
    batch = next(iter(trainer.get_train_dataloader()))
    theirs = trainer.compute_loss(trainer.model.eval(), dict(batch))
    total, terms = sft_loss(
        theta, list(zip(theta.encode(PROMPTS), trl_responses(theta, GOOD), strict=True))
    )
    assert terms == int((batch["labels"] != -100).sum())
    close(total / terms, theirs)
    close(gradient(total / terms, theta.model), gradient(theirs, trainer.model), 1e-3)


def test_reward_model(folder, tmp_path):
    policy = load_policy(folder)
    model = new_reward_model(policy, seed=3)
    torch.nn.init.normal_(
        model.model.score.weight, std=1.0, generator=torch.Generator().manual_seed(0)
    )
    rows = datasets.Dataset.from_list(
        [
            {
                "chosen": say("user", p) + say("assistant", g),
                "rejected": say("user", p) + say("assistant", b),
            }
            for p, g, b in zip(PROMPTS, GOOD, BAD, strict=True)
        ]
    )
    trainer = RewardTrainer(
        model=model.model,
        args=settings(RewardConfig, tmp_path, max_length=256),
        train_dataset=rows,
        processing_class=policy.tokenizer,
    )
    ours = bradley_terry_loss(
        model.logits(model.encode(PROMPTS, GOOD)), model.logits(model.encode(PROMPTS, BAD))
    ).mean()
    theirs = trainer.compute_loss(
        trainer.model.eval(), dict(next(iter(trainer.get_train_dataloader())))
    )
    close(ours, theirs)
    assert ours > 0.1
