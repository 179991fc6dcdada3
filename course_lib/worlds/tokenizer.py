"""Tokenizers made from a world's own words, saved as ordinary ``transformers`` tokenizers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
SPECIAL = ["<pad>", "<unk>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]


def word_tokenizer(texts: Sequence[str], marks: str | None = None) -> "PreTrainedTokenizerFast":
    """One token per word or punctuation mark of ``texts``.

    Decoding gives the text back letter for letter. Words carry the space before them, as in
    SentencePiece. Unknown words become ``<unk>``. ``marks``: a string of the only characters that
    stand apart from words (default: all punctuation).
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    apart = (
        pre_tokenizers.Split(Regex(f"[{marks}]"), "isolated")
        if marks
        else pre_tokenizers.Punctuation(behavior="isolated")
    )
    split = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(prepend_scheme="always"), apart])
    words = sorted({piece for text in set(texts) for piece, _ in split.pre_tokenize_str(text)})
    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        eos_token="<|end|>",
        additional_special_tokens=SPECIAL[3:],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast
