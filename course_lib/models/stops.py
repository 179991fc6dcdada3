"""What ends a reply: token ids, and texts that may be several tokens or a part of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..base import require, whole
from .loading import vocabulary_size
from .policy import Policy

Stop = int | str | Sequence[int | str] | None


@dataclass(frozen=True)
class Stops:
    """What ends the replies of one policy.

    Attributes
    ----------
    ids : token ids that end a reply as soon as they are drawn.
    texts : texts that end a reply once they stand in it; the reply goes up to the first of them.
    """

    ids: list[int]
    texts: tuple[str, ...] = ()

    @classmethod
    def of(cls, policy: Policy, stop: Stop) -> "Stops":
        """From the ``stop`` of :class:`~course_lib.models.Sampling`.

        Ids stand in place of the model's own end tokens, texts beside them. A text that is one
        special token counts as its id, since a reply's text does not show it.
        Raises :class:`~course_lib.base.CourseError` for an empty list, an empty text or an id that
        the model does not have.
        """
        if stop is None:
            return cls(policy.stop_ids)
        given = [stop] if isinstance(stop, str) or not isinstance(stop, Iterable) else list(stop)
        require(
            len(given) > 0,
            "stop is an empty list, so no reply could end by itself. Leave it out for the model's "
            "own end tokens, or give token ids or texts.",
        )
        ids, texts = [], []
        for one in given:
            if not isinstance(one, str):
                ids.append(_known(policy, one))
                continue
            require(one != "", "stop holds an empty text, which would end every reply at once.")
            # asked for a text it does not know, a tokenizer gives the id of its unknown token
            if one in policy.tokenizer.all_special_tokens:
                ids.append(policy.tokenizer.convert_tokens_to_ids(one))
            else:
                texts.append(one)
        return cls(ids or policy.stop_ids, tuple(texts))

    def reached(self, text: str) -> bool:
        """Whether ``text`` holds one of the stop texts."""
        return any(stop in text for stop in self.texts)

    def cut(self, text: str) -> str:
        """``text`` up to the first of the stop texts."""
        ends = [text.find(stop) for stop in self.texts if stop in text]
        return text[: min(ends)] if ends else text

    def may_end(self, policy: Policy) -> torch.Tensor:
        """(V,) bool: the tokens with which a stop text can become complete.

        Those that hold the last character of one of them, and those that are a part of a character.
        """
        last = {text[-1] for text in self.texts}
        pieces = _pieces(policy.tokenizer)
        size = vocabulary_size(policy.model)
        marks = torch.zeros(max(size, len(pieces)), dtype=torch.bool)
        for i, piece in enumerate(pieces):
            marks[i] = "\ufffd" in piece or not last.isdisjoint(piece)
        return marks.to(policy.device)


def _known(policy: Policy, token: object) -> int:
    """``token`` as an id of the model's vocabulary."""
    size = vocabulary_size(policy.model)
    return whole(token, "a stop token id", 0, size - 1)


def _pieces(tokenizer: Any) -> list[str]:
    """The text that each token id adds to a text before it; kept with the tokenizer."""
    known = getattr(tokenizer, "course_pieces", [])
    if len(known) != len(tokenizer):  # tokens may be added
        # behind another token: at the beginning of a text a blank may be left out
        before = tokenizer("a", add_special_tokens=False)["input_ids"][:1]
        start = len(tokenizer.decode(before))
        rows = [[*before, i] for i in range(len(tokenizer))]
        texts = tokenizer.batch_decode(rows, clean_up_tokenization_spaces=False)
        known = [text[start:] for text in texts]
        tokenizer.course_pieces = known
    return known
