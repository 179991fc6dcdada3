"""Preference pairs from whole dialogues, as hh-rlhf has them."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base import read_jsonl, require, string
from .pairs import preference_pairs
from .rollouts import read_rollouts

ASSISTANT = "\n\nAssistant:"

Pair = dict[str, str]


def hh_pairs(
    path: Path | str, skip_bad: bool = False, return_counts: bool = False
) -> list[Pair] | tuple[list[Pair], dict[str, Any]]:
    r"""Anthropic's hh-rlhf pairs: a list of ``{"prompt", "chosen", "rejected"}`` (2204.05862).

    A line holds two whole dialogues, ``"\n\nHuman: ... \n\nAssistant: ..."``. They are split after
    the last ``"\n\nAssistant:"`` up to which they are equal: the prompt ends with it, what follows
    (stripped of blanks) is the reply. Where two dialogues part earlier than in the last turn, the
    replies go on with the turns after that. Pairs with equal replies teach nothing and are dropped.

    With ``return_counts`` also returns ``{"read", "kept", "identical", "early", "empty",
    "skipped"}``. The data holds offensive text by design: show counts, not replies. Errors never
    quote it. Source: Bai et al.
    """
    kept, counts = _read_dialogues(path, skip_bad)
    return (kept, counts) if return_counts else kept


def _read_dialogues(path: Path | str, skip_bad: bool) -> tuple[list[Pair], dict[str, Any]]:
    rows, skipped = read_jsonl(path, _split_dialogues, skip_bad)
    kept = [row for row in rows if row["chosen"] != row["rejected"]]
    counts = {
        "read": len(rows),
        "kept": len(kept),
        "identical": len(rows) - len(kept),
        "early": sum(ASSISTANT in row["chosen"] or ASSISTANT in row["rejected"] for row in kept),
        "empty": sum(not row["chosen"] or not row["rejected"] for row in kept),
        "skipped": skipped,
    }
    return kept, counts


def _split_dialogues(row: Mapping[str, Any]) -> Pair:
    """The two dialogues of one line as a prompt and two replies."""
    chosen, rejected = string(row, "chosen"), string(row, "rejected")
    end = chosen.rfind(ASSISTANT, 0, _shared_length(chosen, rejected))
    require(
        end >= 0,
        r"found two dialogues that part before their first '\n\nAssistant:'; expected the "
        r"same dialogue up to a reply.",
    )
    end += len(ASSISTANT)
    return {
        "prompt": chosen[:end],
        "chosen": chosen[end:].strip(),
        "rejected": rejected[end:].strip(),
    }


def _shared_length(one: str, other: str) -> int:
    """How many characters the two texts begin with in common."""
    # one may be longer than the other
    for i, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return i
    return min(len(one), len(other))


def read_pairs(path: Path | str, skip_bad: bool = False) -> Sequence[dict[str, Any]]:
    """Preference pairs from prompt/chosen/rejected lines, or from hh-rlhf's whole dialogues.

    They are told apart by the first line's keys.
    """
    if _first_keys(path) == {"chosen", "rejected"}:
        return _read_dialogues(path, skip_bad)[0]
    return preference_pairs(read_rollouts(path, skip_bad=skip_bad), by="preference")


def _first_keys(path: Path | str) -> set[str]:
    """The keys of a file's first line; none where that line cannot be read.

    Then the reader of the whole file says what is wrong, with the line number.
    """
    opener = gzip.open if str(path).endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            return set(json.loads(file.readline() or "{}"))
    except (OSError, ValueError):
        return set()
