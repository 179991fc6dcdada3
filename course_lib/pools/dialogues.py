"""Preference pairs from files: hh-rlhf's whole dialogues, and all that is read as a pool."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

from ..base import read_jsonl, require, string
from .keys import Keys
from .pairs import preference_pairs
from .pool import Pool
from .rollouts import read_rollouts
from .shapes import SOLUTIONS
from .turns import ASSISTANT, shared_length
from .words import listed

Pair = dict[str, Any]


class PairList(list[Pair]):
    """Pairs from a file, and what of the file is not among them.

    Attributes
    ----------
    dropped : reason → how many prompts of the file gave no pair for it.
    """

    def __init__(self, pairs: Iterable[Pair], dropped: Mapping[str, int]) -> None:
        super().__init__(pairs)
        self.dropped = dict(dropped)


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
    return (kept, counts) if return_counts else kept


def _split_dialogues(row: Mapping[str, Any]) -> Pair:
    """The two dialogues of one line as a prompt and two replies."""
    chosen, rejected = string(row, "chosen"), string(row, "rejected")
    end = chosen.rfind(ASSISTANT, 0, shared_length(chosen, rejected))
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


def read_pairs(path: Path | str, skip_bad: bool = False, keys: Keys | None = None) -> PairList:
    """Preference pairs from any file that :func:`read_rollouts` reads, hh-rlhf's among them.

    Of preferences each preferred reply stands against each other one of its row; of other files
    the best reply against the worst, one pair a prompt, by their only reward. A file with several,
    KTO's label among them, is refused until ``keys`` names one.
    ``dropped`` of the returned list counts the prompts without a pair, and the lines skipped.
    """
    pool = read_rollouts(path, skip_bad, keys)
    by = _reward_of(pool, path)
    pairs = _each_pair(pool) if by == "preference" else preference_pairs(pool, by=by)
    dropped = _without_pair(pool, by, {pair["prompt_index"] for pair in pairs})
    dropped |= pool.provenance.dropped or {}
    if pool.provenance.skipped:
        dropped["bad line"] = len(pool.provenance.skipped)
    return PairList(pairs, dropped)


def _each_pair(pool: Pool) -> list[Pair]:
    """All pairs of a preferred reply and another, in rows like those of preference_pairs."""
    pairs = []
    preference = pool.reward("preference").tolist()
    present = pool.present.tolist()
    for i, (values, texts) in enumerate(zip(preference, pool.texts, strict=True)):
        there = [j for j in range(pool.N) if present[i][j]]
        for a, b in permutations(there, 2):
            if values[a] > values[b] and texts[a] != texts[b]:
                row: Pair = {"prompt": pool.prompts[i], "chosen": texts[a], "rejected": texts[b]}
                row |= {"prompt_index": i, "chosen_index": a, "rejected_index": b}
                pairs.append(row | {"margin": values[a] - values[b]})
    return pairs


def _reward_of(pool: Pool, path: Path | str) -> str:
    """The reward that says which reply is better."""
    if "preference" in pool.rewards:
        return "preference"
    if "label" in pool.rewards and pool.provenance.shape == SOLUTIONS:
        return "label"
    require(
        len(pool.rewards) == 1,
        f"{path} holds {len(pool.rewards)} rewards ({listed(pool.rewards)}), and one is needed to "
        "say which reply is better: name it with --keys rewards=NAME.",
    )
    return next(iter(pool.rewards))


def _without_pair(pool: Pool, by: str, paired: set[int]) -> dict[str, int]:
    """Why prompts gave no pair: reason → how many."""
    reasons: Counter[str] = Counter()
    rewards = pool.reward(by)  # (P, N)
    for i in range(pool.P):
        if i in paired:
            continue
        there = rewards[i][pool.present[i]]
        if len(there) < 2:
            reasons["only one reply"] += 1
        elif there.min() == there.max():
            reasons["equal rewards"] += 1
        else:
            reasons["equal replies"] += 1
    return dict(reasons)
