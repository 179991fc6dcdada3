"""OpenAI's released GSM8K model solutions as a pool, and what their labels say of our verifier."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..base import read_jsonl, require, string
from ..worlds import extract_answer, verifier, verify
from .pool import Pool
from .provenance import Provenance

SYSTEMS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


class Solution(NamedTuple):
    """One line of the file: a question, and a reply and a label of each of :data:`SYSTEMS`."""

    question: str
    reference: str
    answer: str
    texts: list[str]
    labels: list[float]


def load_model_solutions(path: Path | str, skip_bad: bool = False) -> Pool:
    """The released GSM8K model solutions as a Pool of N = 4.

    One candidate per system in the order of :data:`SYSTEMS`; ``provenance.systems`` names them.
    Rewards: ``"verifier"`` (ours) and ``"label"`` (the file's ``is_correct``), both 0 or 1. The
    four replies of a prompt come from four different models: they are not i.i.d. samples of one
    policy.
    """
    rows, skipped = read_jsonl(path, parse_solution, skip_bad)
    return solutions_pool(rows, path, skipped)


def parse_solution(row: Mapping[str, Any]) -> Solution:
    """One line of the file, checked. Raises :class:`CourseError` saying what was found."""
    question = string(row, "question")
    reference = string(row, "ground_truth")
    answer = extract_answer(reference, "strict")
    require(
        answer is not None,
        "found a 'ground_truth' without a final number; expected it to end like 'A: 18'.",
    )
    for system in SYSTEMS:
        found = row.get(system)
        require(
            isinstance(found, dict),
            f'found no solution of {system}; expected {{"solution", "is_correct"}} for '
            f"each of {', '.join(SYSTEMS)}.",
        )
        string(row[system], "solution")
        require(
            isinstance(row[system].get("is_correct"), bool),
            f"found no true or false under 'is_correct' of {system}.",
        )
    return Solution(
        question,
        reference,
        str(answer),
        texts=[row[system]["solution"] for system in SYSTEMS],
        labels=[float(row[system]["is_correct"]) for system in SYSTEMS],
    )


def solutions_pool(
    rows: Sequence[Solution], path: Path | str, skipped: Sequence[dict[str, Any]]
) -> Pool:
    """The pool of the file's lines, scored by our verifier."""
    infos, verdicts = [], []
    for i, row in enumerate(rows):
        info = {"id": i, "answer": row.answer, "solution": row.reference}
        infos.append(info)
        verdicts.append([verifier(row.question, text, info) for text in row.texts])
    return Pool.from_candidates(
        [row.question for row in rows],
        [row.texts for row in rows],
        {"verifier": verdicts, "label": [row.labels for row in rows]},
        infos,
        Provenance(
            source=Path(path).name,
            shape="model solutions",
            systems=SYSTEMS,
            n=len(SYSTEMS),
            skipped=tuple(skipped),
        ),
    )


def agreement(pool: Pool, mode: str = "lenient") -> dict[str, Any]:
    """Where our verifier and the file's ``label`` differ, and how the answers were read.

    Returns ``{"compared", "agree", "disagree": [...], "status": counts, "markers": counts,
    "unmarked": [...]}``. A row of ``disagree`` or ``unmarked`` (no explicit marker in the reply)
    has ``prompt`` and ``candidate`` (positions), ``system``, ``answer`` (read from the reply),
    ``reference``, ``label``, ``verdict`` and ``reason``.
    """
    labels = pool.reward("label").tolist()
    systems = pool.provenance.systems or range(pool.N)
    compared = agree = 0
    disagree, unmarked = [], []
    status: Counter[str] = Counter()
    markers: Counter[str | None] = Counter()
    for i, j in pool.present.nonzero().tolist():
        reference = pool.info[i]["answer"]
        verdict = verify(pool.texts[i][j], reference, mode)
        same = (verdict.status == "correct") == (labels[i][j] == 1)
        row = {
            "prompt": i,
            "candidate": j,
            "system": systems[j],
            "answer": None if verdict.answer is None else str(verdict.answer),
            "reference": reference,
            "label": bool(labels[i][j]),
            "verdict": verdict.status,
            "reason": _reason(verdict),
        }
        compared += 1
        agree += same
        status[verdict.status] += 1
        markers[verdict.marker] += 1
        if not same:
            disagree.append(row)
        if verdict.marker in (None, "last number"):
            unmarked.append(row)
    return {
        "compared": compared,
        "agree": agree,
        "disagree": disagree,
        "status": dict(status),
        "markers": dict(markers),
        "unmarked": unmarked,
    }


def _reason(verdict: Any) -> str:
    """How the answer was found, in words."""
    if verdict.marker is None:
        return f"no answer found: {verdict.reason}"
    if verdict.answer is None:
        return f"what {verdict.marker!r} points to is no answer: {verdict.reason}"
    if verdict.status == "correct":
        return f"found by {verdict.marker!r}, equal to the reference"
    return f"found by {verdict.marker!r}, another number than the reference"
