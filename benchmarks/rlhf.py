"""Seconds per step of GRPO and DPO against TRL's trainers: same model, prompts, group size, replies
and precision, same run.

    python benchmarks/rlhf.py [--quick] [--json]

It needs the [peers] extra: pip install -e '.[peers]'.

TRL gets its faster settings: no gradient checkpointing, no logging inside the loop, no saving,
float32 as ours, and the same reward model scored by the same code. A GRPO step is 16 prompts × 8
replies: sampling, scoring, reference, one update with a KL penalty. A DPO step is 32 pairs.
Trainers are built outside the timing. The two alternate; ratios are medians over rounds. Tokens
written per step and the gold reward after training show that both do the same work.
"""

import statistics
import tempfile

from common import finish, options, quiet_peers, seconds

args = options(__doc__).parse_args()

import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer

from course_lib import assets, load_policy, load_reward_model, sample, score
from course_lib.base import versions
from course_lib.methods import dpo, grpo, pairs_from
from course_lib.models import GoldReward
from course_lib.pools import preference_pairs
from course_lib.worlds import Helpdesk

quiet_peers()
STEPS, ROUNDS, PROMPTS, N, LR, BETA, PAIRS = (
    (3, 1, 16, 8, 1e-4, 0.05, 64) if args.quick else (16, 3, 16, 8, 1e-4, 0.05, 512)
)
world, folder = Helpdesk(), assets.path("helpdesk/policy")
prompts, info = world.prompts("train", limit=512)
base = load_policy(folder, device="cpu")
reward = load_reward_model(assets.path("helpdesk/reward-8000"), device="cpu")
pool = score(sample(base, prompts, n=4, info=info, seed=5), reward)
pairs = preference_pairs(pool)[:PAIRS]
kept = pool.prompts_at([p["prompt_index"] for p in pairs])
written = {"ours grpo": [], "trl grpo": []}


def say(role, text):
    return [{"role": role, "content": text}]


def settings(config, out, batch, **more):
    return config(
        output_dir=out,
        per_device_train_batch_size=batch,
        learning_rate=LR,
        bf16=False,
        fp16=False,
        gradient_checkpointing=False,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        seed=0,
        weight_decay=0.0,
        lr_scheduler_type="constant",
        adam_beta2=0.98,
        max_grad_norm=1.0,
        dataloader_pin_memory=False,
        **more,
    )


def ours_grpo():
    t, student = seconds(
        lambda: grpo(
            base,
            prompts,
            reward,
            info,
            steps=STEPS,
            prompts_per_step=PROMPTS,
            n=N,
            lr=LR,
            beta=BETA,
        )
    )
    written["ours grpo"].append(student.training_log.account.tokens_sampled / STEPS)
    return t / STEPS, student


def trl_grpo():
    student, count = load_policy(folder, device="cpu"), [0]

    def rewards(prompts, completions, completion_ids, **kwargs):
        count[0] += sum(map(len, completion_ids))
        return reward.score_texts(
            [p[0]["content"] for p in prompts], [c[0]["content"] for c in completions]
        ).tolist()

    data = Dataset.from_list([{"prompt": say("user", p)} for p in prompts])
    with tempfile.TemporaryDirectory() as out:
        trainer = GRPOTrainer(
            model=student.model,
            reward_funcs=rewards,
            train_dataset=data,
            processing_class=student.tokenizer,
            args=settings(
                GRPOConfig,
                out,
                PROMPTS * N,
                max_steps=STEPS,
                num_generations=N,
                max_completion_length=96,
                beta=BETA,
                temperature=1.0,
            ),
        )
        trainer.remove_callback(PrinterCallback)
        t, _ = seconds(trainer.train)
    written["trl grpo"].append(count[0] / STEPS)
    return t / STEPS, student


def ours_dpo():
    t, student = seconds(
        lambda: dpo(base, pairs_from(base, kept), beta=0.1, lr=LR, epochs=1, batch_size=32)
    )
    return t / -(-len(pairs) // 32), student


def trl_dpo():
    student = load_policy(folder, device="cpu")
    data = Dataset.from_list(
        [
            {
                "prompt": say("user", p["prompt"]),
                "chosen": say("assistant", p["chosen"]),
                "rejected": say("assistant", p["rejected"]),
            }
            for p in pairs
        ]
    )
    with tempfile.TemporaryDirectory() as out:
        trainer = DPOTrainer(
            model=student.model,
            train_dataset=data,
            processing_class=student.tokenizer,
            args=settings(DPOConfig, out, 32, num_train_epochs=1, beta=0.1, max_length=512),
        )
        trainer.remove_callback(PrinterCallback)
        t, _ = seconds(trainer.train)
    return t / -(-len(pairs) // 32), student


def gold_of(student):
    student.model.eval()
    held, held_info = world.prompts("heldout", limit=128)
    return float(
        score(sample(student, held, n=4, info=held_info, seed=9), GoldReward(world))
        .rewards["gold"]
        .mean()
    )


runs = {"ours grpo": ours_grpo, "trl grpo": trl_grpo, "ours dpo": ours_dpo, "trl dpo": trl_dpo}
times, students = {name: [] for name in runs}, {}
for _ in range(ROUNDS):
    for name, function in runs.items():
        t, students[name] = function()
        times[name].append(t)
gold = {"base": gold_of(base), **{name: gold_of(student) for name, student in students.items()}}
ratios = {
    f"{method.upper()} step, ours / TRL": statistics.median(
        b / a for a, b in zip(times[f"ours {method}"], times[f"trl {method}"], strict=True)
    )
    for method in ("grpo", "dpo")
}
lines = [f"GRPO {PROMPTS} prompts × {N} replies, DPO 32 pairs, {torch.get_num_threads()} threads"]
lines += [
    f"{name:10} {statistics.median(t):.3f} s a step"
    + (f", {statistics.mean(written[name]):,.0f} tokens written a step" if name in written else "")
    + f", gold after training {gold[name]:.2f}"
    for name, t in times.items()
] + [f"base: gold {gold['base']:.2f}"]
finish(
    args,
    {
        "ratios": ratios,
        "aims": {name: 3.0 for name in ratios},
        "seconds_per_step": {name: statistics.median(t) for name, t in times.items()},
        "tokens_per_step": {name: statistics.mean(v) for name, v in written.items()},
        "gold": gold,
        "threads": torch.get_num_threads(),
        "versions": versions(),
    },
    lines,
)
