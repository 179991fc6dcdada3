"""A checkpoint of a real shape with random weights whose replies look like solutions.

A model with random weights draws tokens nearly at random. So everything depends on what its tokens
stand for: here a few are whole equations, a few are answers, a few end the reply, and the rest are
words. Then replies have the lengths of real ones, some answers are right by luck, and a lesson's
every line has something to work on. What such a model says means nothing.
"""

import itertools
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from course_lib.models import byte_tokenizer, new_reward_model
from course_lib.models.policy import Policy

EQUATIONS, ANSWERS = 3, 4  # of a reply of usual length
CHOICES = 3  # different answers, so that a guess is right now and then
LEARNT = 8000  # tokens that are learnt from the texts, at most


def easy_answers(problems: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The same problems with one of :data:`CHOICES` numbers after "####", by their place."""
    return [
        {**row, "answer": f"{row['answer'].split('####')[0]}#### {1 + k % CHOICES}"}
        for k, row in enumerate(problems)
    ]


def solution_tokenizer(
    solutions: Sequence[dict[str, str]], size: int, length: int, seed: int = 0
) -> Any:
    """A byte-level tokenizer of ``size`` tokens for problems in GSM8K's form.

    ``solutions``: {"question", "answer"} each. Texts are read with what was learnt from them; the
    other tokens are only ever drawn. Answers are as frequent as in ``solutions``, and where tokens
    are drawn at random a reply has ``length`` of them on average.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    rng = random.Random(seed)
    texts = [f"{row['question']}\n{row['answer']}" for row in solutions]
    learnt = byte_tokenizer(texts, min(LEARNT, size // 8))
    content = json.loads(learnt.backend_tokenizer.to_str())
    vocabulary: dict[str, int] = content["model"]["vocab"]
    words = sorted({word for text in texts for word in text.split() if word.isalpha()})
    rng.shuffle(words)
    short = words[:600]
    pairs = (f" {a} {b}" for a, b in itertools.product(short, short))
    each = size // length
    count = {"equations": EQUATIONS * each, "answers": ANSWERS * each, "ends": each}
    pieces = [
        *itertools.islice(_equations(), count["equations"]),
        *_answers(solutions, short, count["answers"], rng),
        *itertools.islice((f" {a} {b}.\n\n" for a in words for b in words), count["ends"]),
    ]
    for piece in itertools.chain(pieces, pairs):
        if len(vocabulary) >= size:
            break
        # the alphabet of byte-level tokens: blanks and line ends have letters of their own
        written = piece.replace(" ", "Ġ").replace("\n", "Ċ")
        vocabulary.setdefault(written, len(vocabulary))
    made = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(content)),
        pad_token="<|endoftext|>",
        eos_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    made.chat_template = learnt.chat_template
    return made


def _equations() -> Any:
    """ " <<3+4=7>>7" and so on, small numbers first."""
    for total in itertools.count(2):
        for a in range(1, total):
            yield f" <<{a}+{total - a}={total}>>{total}"


def _answers(
    solutions: Sequence[dict[str, str]], words: Sequence[str], count: int, rng: random.Random
) -> list[str]:
    """ " pens\\n#### 7": each answer as often as it is one, under different words."""
    known = Counter(row["answer"].split("####")[-1].strip() for row in solutions)
    drawn = Counter(rng.choices(list(known), list(known.values()), k=count))
    return [
        f" {words[k % len(words)]}{' ' * (k // len(words))}\n#### {answer}"
        for answer, times in drawn.items()
        for k in range(times)
    ]


def make_checkpoint(
    folder: Path, shape: dict[str, int], tokenizer: Any, dtype: torch.dtype, device: torch.device
) -> tuple[str, str]:
    """A Qwen3 policy and a reward model of the same shape, in folders below ``folder``.

    Random weights, saved in ``dtype``. Returns both folders.
    """
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        **shape,
        tie_word_embeddings=True,
        max_position_embeddings=4096,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    with torch.device(device):
        model = Qwen3ForCausalLM(config)
    policy = Policy(model.to(dtype).eval(), tokenizer, source="random weights")
    places = folder / "policy", folder / "reward"
    policy.save(places[0])
    new_reward_model(policy, seed=1).save(places[1])
    return str(places[0]), str(places[1])
