"""One epoch of SFT and of reward-model training against TRL's trainers: same model, data, batch and
precision, same run.

    python benchmarks/finetuning.py [--quick] [--json]

It needs the [peers] extra: pip install -e '.[peers]'.

TRL gets its faster settings: no gradient checkpointing, no logging inside the loop, no saving,
float32 as ours. Only the training loop is timed on both sides, not tokenization. The two alternate;
the ratio is the median over rounds. The loss after the epoch, on the same held-out examples, shows
that both have learnt the same.
"""

import statistics
import tempfile

from common import finish, options, quiet_peers, seconds

args = options(__doc__).parse_args()

import numpy as np
import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

from course_lib import assets, load_policy
from course_lib.base import versions
from course_lib.methods import bradley_terry_loss, held_out_loss, sft_loss, train
from course_lib.models import examples_of, new_reward_model, preference_report
from course_lib.worlds import Helpdesk, write_reply

quiet_peers()
COUNT, ROUNDS, BATCH, LR = (640, 1, 64, 5e-4) if args.quick else (2048, 3, 64, 5e-4)
rng, world = np.random.default_rng(0), Helpdesk()
all_prompts, infos = world.prompts("train")
pick = rng.integers(0, len(all_prompts), COUNT + 256)
prompts = [all_prompts[i] for i in pick]
good, other = ([write_reply(infos[i]["topic"], rng) for i in pick] for _ in range(2))
base = load_policy(assets.path("helpdesk/policy"), device="cpu")
train_part, held_part = slice(0, COUNT), slice(COUNT, None)


def say(role, text):
    return [{"role": role, "content": text}]


def trl_settings(config, folder):
    return config(
        output_dir=folder,
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        learning_rate=LR,
        bf16=False,
        fp16=False,
        gradient_checkpointing=False,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        max_length=512,
        disable_tqdm=True,
        seed=0,
        weight_decay=0.0,
        lr_scheduler_type="cosine",
        warmup_steps=2,
        adam_beta2=0.98,
        max_grad_norm=1.0,
        dataloader_pin_memory=False,
    )


def ours_sft():
    student = base.copy()
    examples = examples_of(base, prompts[train_part], good[train_part])
    t, _ = seconds(
        lambda: train(
            student.model,
            lambda rows: sft_loss(student, [examples[i] for i in rows]),
            COUNT,
            epochs=1,
            lr=LR,
            batch_size=BATCH,
        )
    )
    return t, student


def trl_sft():
    student = base.copy()
    data = Dataset.from_list(
        [
            {"prompt": say("user", p), "completion": say("assistant", g)}
            for p, g in zip(prompts[train_part], good[train_part], strict=True)
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=student.model,
            args=trl_settings(SFTConfig, folder),
            train_dataset=data,
            processing_class=student.tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        t, _ = seconds(trainer.train)
    return t, student


def ours_reward():
    model = new_reward_model(base, layers=2)
    chosen = model.encode(prompts[train_part], good[train_part])
    rejected = model.encode(prompts[train_part], other[train_part])

    def loss_of(rows):
        scores = model.logits([chosen[i] for i in rows] + [rejected[i] for i in rows])
        return bradley_terry_loss(scores[: len(rows)], scores[len(rows) :]).sum(), len(rows)

    t, _ = seconds(lambda: train(model.model, loss_of, COUNT, epochs=1, lr=LR, batch_size=BATCH))
    return t, model


def trl_reward():
    model = new_reward_model(base, layers=2)
    data = Dataset.from_list(
        [
            {
                "prompt": say("user", p),
                "chosen": say("assistant", c),
                "rejected": say("assistant", r),
            }
            for p, c, r in zip(
                prompts[train_part], good[train_part], other[train_part], strict=True
            )
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = RewardTrainer(
            model=model.model,
            args=trl_settings(RewardConfig, folder),
            train_dataset=data,
            processing_class=model.tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        t, _ = seconds(trainer.train)
    return t, model


# the reward task must be learnable: the better of the two replies by gold is the chosen one
for k, i in enumerate(pick):
    a, b = (world.gold("", text, infos[i]) for text in (good[k], other[k]))
    if b > a:
        good[k], other[k] = other[k], good[k]
held = examples_of(base, prompts[held_part], good[held_part])
held_pairs = [
    {"prompt": p, "chosen": c, "rejected": r}
    for p, c, r in zip(prompts[held_part], good[held_part], other[held_part], strict=True)
    if c != r
]
sft_tokens = sum(
    len(p) + len(r) for p, r in examples_of(base, prompts[train_part], good[train_part])
)
one = new_reward_model(base, layers=2)
reward_tokens = sum(
    map(
        len,
        one.encode(prompts[train_part], good[train_part])
        + one.encode(prompts[train_part], other[train_part]),
    )
)
times = {name: [] for name in ("ours sft", "trl sft", "ours reward", "trl reward")}
models = {}
for _ in range(ROUNDS):
    for name, function in (
        ("ours sft", ours_sft),
        ("trl sft", trl_sft),
        ("ours reward", ours_reward),
        ("trl reward", trl_reward),
    ):
        t, models[name] = function()
        times[name].append(t)
ratios = {
    "SFT epoch, ours / TRL": statistics.median(
        b / a for a, b in zip(times["ours sft"], times["trl sft"], strict=True)
    ),
    "reward-model epoch, ours / TRL": statistics.median(
        b / a for a, b in zip(times["ours reward"], times["trl reward"], strict=True)
    ),
}
rates = {
    name: (sft_tokens if "sft" in name else reward_tokens) / statistics.median(t)
    for name, t in times.items()
}
quality = {"base, held-out loss": float(held_out_loss(base, held).mean())}
for who in ("ours", "trl"):
    models[f"{who} sft"].model.eval(), models[f"{who} reward"].model.eval()
    quality[f"{who}, held-out loss"] = float(held_out_loss(models[f"{who} sft"], held).mean())
    quality[f"{who}, held-out accuracy"] = preference_report(
        models[f"{who} reward"], held_pairs
    ).accuracy.mean
lines = [f"{COUNT} examples, batches of {BATCH}, {torch.get_num_threads()} threads"] + [
    f"{name:12} {rate:10,.0f} tokens per second" for name, rate in rates.items()
]
lines += [f"{name}: {value:.3f}" for name, value in quality.items()]
finish(
    args,
    {
        "ratios": ratios,
        "aims": {name: 2.0 for name in ratios},
        "tokens_per_second": rates,
        "quality": quality,
        "threads": torch.get_num_threads(),
        "versions": versions(),
    },
    lines,
)
