"""A checkpoint of a real shape with random weights whose replies look like solutions.

A model with random weights draws tokens nearly at random. So everything depends on what its tokens
stand for: here some thousands are parts of words, a few are whole equations, a few are answers, a
few end the reply, and the rest of the vocabulary is never drawn. Then replies have the lengths of
real ones, some answers are right by luck, and a lesson's every line has something to work on. What
such a model says means nothing.
"""

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from course_lib.experiments.prompting import NEXT_QUESTION
from course_lib.models import byte_tokenizer, new_reward_model
from course_lib.models.policy import Policy

EQUATIONS, ANSWERS = 3, 4  # of a reply of usual length
CHOICES = 3  # different answers, so that a guess is right now and then
LEARNT = 8000  # tokens that are learnt from the texts, at most
END = NEXT_QUESTION[0]
FEWEST = 400  # different words or pairs of words in replies
SAME, AHEAD = 8.0, 16.0  # the first number of an embedding; a drawn token's logit, above others


def easy_answers(problems: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The same problems with one of :data:`CHOICES` numbers after "####", by their place."""
    return [
        {**row, "answer": f"{row['answer'].split('####')[0]}#### {1 + k % CHOICES}"}
        for k, row in enumerate(problems)
    ]


def solution_tokenizer(
    solutions: Sequence[dict[str, str]], size: int, length: int, seed: int = 0
) -> tuple[Any, list[int]]:
    """A byte-level tokenizer of ``size`` tokens for problems in GSM8K's form.

    ``solutions``: {"question", "answer"} each. Texts are read with what was learnt from them.
    Answers are as frequent as in ``solutions``. Returns the tokenizer, and which of its tokens are
    to be drawn: where they are drawn at random a reply has ``length`` of them on average.
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
    # whole words that are one token; where the texts have few, pairs of words beside them
    known = [f" {token[1:]}" for token in vocabulary if token[0] == "Ġ" and token[1:].isalpha()]
    known += itertools.islice(_phrases(words), max(0, FEWEST - len(known)))
    each = max(1, len(known) // length)
    drawn = [
        *known,
        *itertools.islice(_equations(), EQUATIONS * each),
        *_answers(solutions, words, ANSWERS * each, rng),
        *(f"{phrase}{END}" for phrase in itertools.islice(_phrases(words), each)),
    ]
    for piece in itertools.chain(drawn, _phrases(words)):
        if len(vocabulary) >= size:
            break
        vocabulary.setdefault(_written(piece), len(vocabulary))
    made = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(content)),
        pad_token="<|endoftext|>",
        eos_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    made.chat_template = learnt.chat_template
    return made, sorted({vocabulary[_written(piece)] for piece in drawn})


def _written(piece: str) -> str:
    """A text as byte-level tokens write it: blanks and line ends have letters of their own."""
    return piece.replace(" ", "Ġ").replace("\n", "Ċ")


def _equations() -> Iterator[str]:
    """ " <<3+4=7>>7" and so on, small numbers first."""
    for total in itertools.count(2):
        for a in range(1, total):
            yield f" <<{a}+{total - a}={total}>>{total}"


def _phrases(words: Sequence[str]) -> Iterator[str]:
    """All pairs of words, then all triples, and so on."""
    for length in itertools.count(2):
        for some in itertools.product(words, repeat=length):
            yield "".join(f" {word}" for word in some)


def _answers(
    solutions: Sequence[dict[str, str]], words: Sequence[str], count: int, rng: random.Random
) -> list[str]:
    """ " pens boxes\n#### 7": each answer as often as it is one, under different words."""
    known = Counter(row["answer"].split("####")[-1].strip() for row in solutions)
    drawn = Counter(rng.choices(list(known), list(known.values()), k=count))
    return [
        f"{phrase}\n#### {answer}"
        for answer, times in drawn.items()
        for phrase in itertools.islice(_phrases(words), times)
    ]


def make_checkpoint(
    folder: Path,
    shape: dict[str, int],
    tokenizer: Any,
    drawn: Sequence[int],
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[str, str]:
    """A Qwen3 policy and a reward model of the same shape, in folders below ``folder``.

    Random weights, saved in ``dtype``; ``drawn`` are the tokens it writes. Returns both
    folders.
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
        model = Qwen3ForCausalLM(config).eval()
    draw_only(model, drawn)
    policy = Policy(model.to(dtype), tokenizer, source="random weights")
    places = folder / "policy", folder / "reward"
    policy.save(places[0])
    new_reward_model(policy, seed=1).save(places[1])
    return str(places[0]), str(places[1])


@torch.no_grad()
def draw_only(model: Any, drawn: Sequence[int]) -> None:
    """Make all tokens but ``drawn`` all but impossible.

    All embeddings get the same first number. Then the first number of the last hidden state is much
    the same everywhere, and what a token's own first number is larger by shows in its logit.
    """
    embedding = model.get_input_embeddings().weight  # (V, d), the head's too
    embedding[:, 0] = SAME
    ids = torch.tensor([drawn[:64]], device=embedding.device)
    hidden = model.base_model(input_ids=ids).last_hidden_state  # (1, 64, d)
    embedding[list(drawn), 0] += AHEAD / hidden[..., 0].mean()
