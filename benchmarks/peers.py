"""What `sample` and `finetune` are held against on a GPU: `generate`, `generate_batch` and
`Trainer` of `transformers`, each as its own documentation says to use it.
"""

import tempfile
import time
from collections.abc import Sequence
from typing import Any

import torch
from limits import synchronize

PAGE = 256  # tokens of a block of continuous batching
Example = tuple[Sequence[int], Sequence[int]]  # (prompt ids, reply ids)


def generate(model: Any, ids: Sequence[Sequence[int]], n: int, tokens: int, pad: int) -> int:
    """``n`` replies to each prompt by `generate`, left-padded; how many tokens it wrote."""
    longest = max(map(len, ids))
    rows = torch.full((len(ids), longest), pad)
    mask = torch.zeros_like(rows)
    for row, prompt in enumerate(ids):
        rows[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask[row, longest - len(prompt) :] = 1
    with torch.inference_mode():
        out = model.generate(
            input_ids=rows.to(model.device),
            attention_mask=mask.to(model.device),
            do_sample=True,
            top_k=0,
            top_p=1.0,
            temperature=1.0,
            num_return_sequences=n,
            max_new_tokens=tokens,
            pad_token_id=pad,
        )
    return out[:, longest:].numel()


def generate_batch(
    model: Any, ids: Sequence[Sequence[int]], n: int, tokens: int, sized: bool = False
) -> int:
    """``n`` replies to each prompt by continuous batching; how many tokens it wrote.

    Every reply is a request of its own. Its memory is what it makes of all that is free, or, where
    ``sized``, what these requests need.
    """
    from transformers import ContinuousBatchingConfig, GenerationConfig

    asked = GenerationConfig(
        do_sample=True,
        top_k=0,
        top_p=1.0,
        temperature=1.0,
        max_new_tokens=tokens,
        eos_token_id=-1,  # no reply ends early
    )
    requests = [list(prompt) for prompt in ids for _ in range(n)]
    # a part of what is free, so that what it may leave behind does not fail the rows after it
    settings = ContinuousBatchingConfig(max_memory_percent=0.6)
    if sized:
        pages = -(-(max(map(len, ids)) + tokens) // PAGE)
        settings.num_blocks = (1 + pages) * len(requests)
        settings.max_batch_tokens = max(256, len(requests))
    before = model.config._attn_implementation
    try:
        done = model.generate_batch(
            requests, generation_config=asked, continuous_batching_config=settings
        )
    finally:
        model.set_attn_implementation(before)
    failed = [one.error for one in done.values() if one.error]
    if len(done) < len(requests) or failed:
        raise RuntimeError(
            f"{len(done)} of {len(requests)} requests were answered; {(failed or ['no reason'])[0]}"
        )
    return sum(len(one.generated_tokens) for one in done.values())


def collator(pad: int) -> Any:
    """Rows padded on the right to the longest of a batch; the prompt has no label."""

    def collate(rows: Sequence[Example]) -> dict[str, torch.Tensor]:
        longest = max(len(prompt) + len(reply) for prompt, reply in rows)
        ids = torch.full((len(rows), longest), pad)
        labels = torch.full((len(rows), longest), -100)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for i, (prompt, reply) in enumerate(rows):
            start, end = len(prompt), len(prompt) + len(reply)
            ids[i, :end] = torch.tensor([*prompt, *reply])
            labels[i, start:end] = torch.tensor(reply)
            mask[i, :end] = 1
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}

    return collate


def trainer_seconds(
    model: Any, examples: Sequence[Example], settings: dict[str, Any], pad: int
) -> dict[str, float]:
    """One epoch of `Trainer` on ``examples``, all of ``model`` trained; its first step left out.

    ``settings``: "batch_size", "accumulate", "dtype" (bfloat16, float16 or None). Returns the
    ``tokens`` (padding not counted) and ``seconds`` of the steps after the first, and how many
    ``steps`` there were.
    """
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    device = next(model.parameters()).device
    read: list[torch.Tensor] = []  # tokens of every part
    marks: list[tuple[float, int]] = []  # (time, parts read) after each step

    class Watch(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            synchronize(device)
            marks.append((time.perf_counter(), len(read)))

    class Counting(Trainer):
        def compute_loss(self, model: Any, inputs: dict[str, Any], *rest: Any, **more: Any) -> Any:
            read.append(inputs["attention_mask"].sum())
            return super().compute_loss(model, inputs, *rest, **more)

    parts = settings["accumulate"]
    with tempfile.TemporaryDirectory() as folder:
        trainer = Counting(
            model=model,
            args=TrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=settings["batch_size"] // parts,
                gradient_accumulation_steps=parts,
                num_train_epochs=1,
                learning_rate=1e-6,
                lr_scheduler_type="cosine",
                max_grad_norm=1.0,
                bf16=settings["dtype"] == torch.bfloat16,
                fp16=settings["dtype"] == torch.float16,
                logging_strategy="no",
                save_strategy="no",
                report_to="none",
                use_cpu=device.type == "cpu",
                disable_tqdm=True,
                remove_unused_columns=False,
            ),
            train_dataset=list(examples),
            data_collator=collator(pad),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(Watch())
        trainer.train()
    (first, parts_before), (last, _) = marks[0], marks[-1]
    tokens = int(torch.stack(read[parts_before:]).sum()) if len(marks) > 1 else 0
    return {"tokens": tokens, "seconds": last - first, "steps": len(marks)}
