"""OpenAI's released GSM8K model solutions as a pool, and what their labels say of our verifier."""

from pathlib import Path

from ..base import read_jsonl, require, string
from ..worlds import extract_answer, verifier, verify
from .pool import Pool

SYSTEMS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def load_model_solutions(path, skip_bad=False):
    """The released GSM8K model solutions as a Pool of N = 4, one candidate per system in the order
    of :data:`SYSTEMS`.

    Rewards: ``"verifier"`` (ours) and ``"label"`` (the file's ``is_correct``), both 0 or 1.
    ``settings["systems"]`` names the candidates. The four replies of a prompt come from four
    different models: they are not i.i.d. samples of one policy.
    """

    def parse(row):
        question, reference = string(row, "question"), string(row, "ground_truth")
        answer = extract_answer(reference, "strict")
        require(
            answer is not None,
            "found a 'ground_truth' without a final number; expected it to end like 'A: 18'.",
        )
        for system in SYSTEMS:
            require(
                isinstance(row.get(system), dict),
                f'found no solution of {system}; expected {{"solution", "is_correct"}} for '
                f"each of {', '.join(SYSTEMS)}.",
            )
            string(row[system], "solution")
            require(
                isinstance(row[system].get("is_correct"), bool),
                f"found no true or false under 'is_correct' of {system}.",
            )
        return (
            question,
            {"answer": str(answer), "solution": reference},
            [row[s]["solution"] for s in SYSTEMS],
            [float(row[s]["is_correct"]) for s in SYSTEMS],
        )

    rows, skipped = read_jsonl(path, parse, skip_bad)
    prompts, infos, texts, labels = map(list, zip(*rows, strict=True))
    infos = [{"id": i, **info} for i, info in enumerate(infos)]
    verdicts = [
        [verifier(prompt, text, info) for text in row]
        for prompt, info, row in zip(prompts, infos, texts, strict=True)
    ]
    return Pool.from_candidates(
        prompts,
        texts,
        {"verifier": verdicts, "label": labels},
        infos,
        {
            "source": Path(path).name,
            "shape": "model solutions",
            "systems": list(SYSTEMS),
            "n": len(SYSTEMS),
            "skipped": skipped,
        },
    )


def agreement(pool, mode="lenient"):
    """Where our verifier and the file's ``label`` differ, and how the answers were read.

    Returns ``{"compared", "agree", "disagree": [...], "status": counts, "markers": counts,
    "unmarked": [...]}``. A row of ``disagree`` or ``unmarked`` (no explicit marker in the reply)
    has ``prompt`` and ``candidate`` (positions), ``system``, ``answer`` (read from the reply),
    ``reference``, ``label``, ``verdict`` and ``reason``.
    """
    labels = pool.reward("label").tolist()
    systems = pool.settings.get("systems", list(range(pool.N)))
    report = {
        "compared": 0,
        "agree": 0,
        "disagree": [],
        "status": {},
        "markers": {},
        "unmarked": [],
    }
    for i, texts in enumerate(pool.texts):
        for j, text in enumerate(texts):
            if not pool.present[i, j]:
                continue
            verdict = verify(text, pool.info[i]["answer"], mode)
            same = (verdict.status == "correct") == (labels[i][j] == 1)
            row = {
                "prompt": i,
                "candidate": j,
                "system": systems[j],
                "answer": None if verdict.answer is None else str(verdict.answer),
                "reference": pool.info[i]["answer"],
                "label": bool(labels[i][j]),
                "verdict": verdict.status,
                "reason": _reason(verdict),
            }
            report["compared"] += 1
            report["agree"] += same
            report["status"][verdict.status] = report["status"].get(verdict.status, 0) + 1
            report["markers"][verdict.marker] = report["markers"].get(verdict.marker, 0) + 1
            if not same:
                report["disagree"].append(row)
            if verdict.marker in (None, "last number"):
                report["unmarked"].append(row)
    return report


def _reason(verdict):
    if verdict.marker is None:
        return "no marker and no number to fall back on"
    if verdict.answer is None:
        return f"the number found by {verdict.marker!r} is malformed"
    return f"found by {verdict.marker!r}, " + (
        "equal to the reference"
        if verdict.status == "correct"
        else "another number than the reference"
    )
