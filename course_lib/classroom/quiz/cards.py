"""Questions as cards that run in the browser (``web/parts/quiz.js``)."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ...base import CourseError, require
from ..record import DAYS, RIGHT, load_progress
from ..web import LinkedCard, fold
from .answers import NEAR, SECOND, heard, item_text, last_of
from .items import LETTERS, Item, every_item, items, place_name, shuffled
from .mastery import due, summary

# what the browser scores by, so that it counts as the progress file does
RULES = {"days": DAYS, "right": RIGHT, "near": NEAR, "second": SECOND}

PARTS = ("answers", "ordering", "question")  # of the front end, below "quiz" itself


def ask(lesson: str) -> LinkedCard:
    """A lesson's questions as one card: choose, order, write, and see how it went.

    Answers are kept in the progress file while a kernel runs (:func:`heard`), on the website in the
    browser's own store. Without scripts each explanation is folded under its option; in a terminal
    the questions are text, answered by :func:`answer`.
    """
    return _card(items(lesson), {"mode": "ask", "place": place_name(lesson).capitalize()})


def review(limit: int = 5, everything: bool = False) -> LinkedCard:
    """Ask again what is due: at most ``limit`` questions of all lessons, the longest overdue first.

    ``everything``: the card carries the questions of all lessons and picks those due by what the
    browser has kept: for a page of the website.
    """
    require(isinstance(limit, int) and limit >= 1, f"limit must be a number from 1; got {limit!r}.")
    waiting = [] if everything else due()
    found = every_item() if everything else waiting[:limit]
    if everything:
        line = "Here the browser asks what is due again; it needs scripts for that."
    elif found:
        line = f"{len(waiting)} question{'s are' if len(waiting) > 1 else ' is'} due again."
    else:
        line = (
            "Nothing is due: what you have answered waits for its day, and the rest is asked in "
            "its lesson."
        )
    facts = {"mode": "review", "waiting": len(waiting), "limit": limit, "all": everything}
    return _card(found, facts, line)


def _card(found: Sequence[Item], facts: Mapping[str, Any], line: str = "") -> LinkedCard:
    """The card of some items; ``line`` says in words where the reader stands."""
    kept, error = _kept(found)
    if not line and facts["mode"] == "ask" and not error:
        line = summary(found[0]["id"].split("-")[0])
    data = {
        **facts,
        "rules": RULES,
        "items": [_item_data(item) for item in found],
        "kept": kept,
        "error": error,
    }
    texts = [] if facts.get("all") else list(map(item_text, found))
    still = "".join(map(_still, found)) if texts else f"<p>{html.escape(line)}</p>"
    text = "\n\n".join([*texts, error or line]).strip()
    return LinkedCard("quiz", data, text, still, needs=PARTS, hearer=heard)


def _kept(found: Sequence[Item]) -> tuple[dict[str, Any], str]:
    """(what is kept of these items, by id; why nothing can be read of it, or "")."""
    try:
        kept = load_progress()
    except CourseError as error:
        return {}, str(error)
    return {item["id"]: last_of(kept[item["id"]]) for item in found if item["id"] in kept}, ""


def _item_data(item: Item) -> dict[str, Any]:
    """What the browser needs of an item."""
    kind = item["kind"]
    data = {key: item[key] for key in ("id", "kind", "question")}
    data["place"] = place_name(item["id"].split("-")[0])
    if kind == "single":
        data["right"] = next(k for k, o in enumerate(item["options"]) if o.get("right") is True)
        data["options"] = [{"text": o["text"], "why": o["why"]} for o in item["options"]]
    elif kind == "order":
        data |= {"steps": item["steps"], "offered": shuffled(item)}
    else:
        data |= {"model": item["model_answer"], "rubric": item["rubric"]}
    return data


# ---- without scripts ---------------------------------------------------------------------------


def _still(item: Item) -> str:
    """A question as HTML: what is right stands only in what is folded."""
    shown = {"single": _still_single, "order": _still_order, "case": _still_case}[item["kind"]]
    return f"<p><b>{_safe(item['question'])}</b></p>{shown(item)}"


def _still_single(item: Item) -> str:
    rows = zip(LETTERS, item["options"], strict=False)  # there are more letters than options
    return "".join(
        f"<p>{letter}) {_safe(option['text'])}</p>"
        + fold(f"If you chose {letter}", f"<p>{_verdict(option)}{_safe(option['why'])}</p>")
        for letter, option in rows
    )


def _verdict(option: Mapping[str, Any]) -> str:
    """A word before an explanation that does not begin with one."""
    if option.get("right") is True:
        return "" if option["why"].startswith("Right") else "Right. "
    return "Not this one. "


def _still_order(item: Item) -> str:
    offered = "".join(f"<li>{_safe(item['steps'][k]['text'])}</li>" for k in shuffled(item))
    steps = "".join(f"<li>{_safe(s['text'])} {_safe(s['why'])}</li>" for s in item["steps"])
    return f"<ul>{offered}</ul>{fold('The order', f'<ol>{steps}</ol>')}"


def _still_case(item: Item) -> str:
    points = "".join(f"<li>{_safe(r['point'])} {_safe(r['why'])}</li>" for r in item["rubric"])
    answer = f"<p>{_safe(item['model_answer'])}</p>"
    return fold("A model answer, and the points to look for", f"{answer}<ol>{points}</ol>")


def _safe(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")
