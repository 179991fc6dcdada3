"""Preference pairs from whole dialogues, as hh-rlhf has them."""

import json

from ..base import read_jsonl, require, string
from .pairs import preference_pairs
from .rollouts import read_rollouts

ASSISTANT = "\n\nAssistant:"


def hh_pairs(path, skip_bad=False, return_counts=False):
    r"""Anthropic's hh-rlhf pairs as a list of ``{"prompt", "chosen", "rejected"}`` (Bai et al.,
    2204.05862).

    A line holds two whole dialogues, ``"\n\nHuman: ... \n\nAssistant: ..."``. They are split after
    the last ``"\n\nAssistant:"`` up to which they are equal: the prompt ends with it, what follows
    (stripped of blanks) is the reply. Where two dialogues part earlier than in the last turn, the
    replies go on with the turns after that. Pairs with equal replies teach nothing and are dropped.

    With ``return_counts`` also returns ``{"read", "kept", "identical", "early", "empty",
    "skipped"}``. The data holds offensive text by design: show counts, not replies. Errors never
    quote it.
    """

    def parse(row):
        chosen, rejected = string(row, "chosen"), string(row, "rejected")
        shared = next(
            (i for i, (a, b) in enumerate(zip(chosen, rejected, strict=False)) if a != b),
            min(len(chosen), len(rejected)),
        )
        end = chosen.rfind(ASSISTANT, 0, shared)
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

    rows, skipped = read_jsonl(path, parse, skip_bad)
    kept = [row for row in rows if row["chosen"] != row["rejected"]]
    counts = {
        "read": len(rows),
        "kept": len(kept),
        "identical": len(rows) - len(kept),
        "early": sum(ASSISTANT in row["chosen"] or ASSISTANT in row["rejected"] for row in kept),
        "empty": sum(not row["chosen"] or not row["rejected"] for row in kept),
        "skipped": skipped,
    }
    return (kept, counts) if return_counts else kept


def read_pairs(path, skip_bad=False):
    """Preference pairs from prompt/chosen/rejected lines, or from hh-rlhf's whole dialogues (told
    apart by the first line's keys).
    """
    import gzip

    opener = gzip.open if str(path).endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            keys = set(json.loads(file.readline() or "{}"))
    except (OSError, ValueError):
        keys = {"prompt"}  # the reader below says what is wrong, with the line number
    if keys == {"chosen", "rejected"}:
        return hh_pairs(path, skip_bad=skip_bad)
    return preference_pairs(read_rollouts(path, skip_bad=skip_bad), by="preference")
