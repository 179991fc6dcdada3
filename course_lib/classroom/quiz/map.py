"""The map of ideas as a card (``web/parts/progress.js``)."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...base import require
from ..record import load_progress
from ..web import Card
from .answers import last_of
from .cards import RULES
from .items import NOTEBOOKS, every_item, place_name
from .mastery import SHAPES, by_lesson, due, ideas, mastery, mastery_text, shortened

# words of a notebook's name that are not written as they are
SPELT = {"n": "N", "rlhf": "RLHF"}


def progress(root: str | None = None) -> Card:
    """Where you stand: the map of ideas as a card, what is due again first.

    ``root``: the way from the page that shows it to the folder of notebooks/ and exercises/, for
    its links; by default found from the working folder, without links where it is not a clone's.
    On the website the card shows what the browser has kept.
    """
    require(root is None or isinstance(root, str), f"root is a path such as '..'; got {root!r}.")
    rows = mastery()
    links = _links(root)
    kept = load_progress()
    listed = ideas()
    data = {
        "rules": RULES,
        "shapes": SHAPES,
        "lessons": [
            {"name": title(lesson), "place": lesson, "ideas": [_idea(row, listed) for row in here]}
            for lesson, here in by_lesson(rows).items()
        ],
        "places": {place: place_name(place) for row in rows for place in row["lessons"]},
        "questions": {item["id"]: shortened(item["question"]) for item in every_item()},
        "kept": {item_id: _brief(entry) for item_id, entry in kept.items()},
    }
    return Card("progress", data, mastery_text(rows), _still(rows, links), needs=("answers",))


def title(lesson: str) -> str:
    """ "best of N" of lesson "01"."""
    words = NOTEBOOKS[lesson].split("_")[1:]
    return " ".join(SPELT.get(word, word) for word in words)


def _idea(row: Mapping[str, Any], listed: Mapping[str, tuple[list, list]]) -> dict[str, Any]:
    """What the browser needs of an idea; its questions are counted there."""
    questions, _ = listed[row["idea"]]
    return {
        "idea": row["idea"],
        "places": row["lessons"],
        "items": [item["id"] for _, item in questions],
        "points": row["points"],
        "most": row["most"],
    }


def _brief(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The last score and the day, without what was written."""
    answers = [{"score": answer["score"]} for answer in last_of(entry)["answers"]]
    return {"due": entry.get("due"), "answers": answers}


def _links(root: str | None) -> dict[str, str]:
    """Lesson or exercise → the way to its notebook; empty where there is none to find."""
    here = Path.cwd()
    if root is None:
        inside = here.name in ("notebooks", "exercises")
        folder = here.parent if inside else here
        if not (folder / "notebooks" / f"{NOTEBOOKS['00']}.ipynb").is_file():
            return {}
        root = ".." if inside else "."
    links = {}
    for place, name in NOTEBOOKS.items():
        kind = "exercises" if place.startswith("ex") else "notebooks"
        same = root == ".." and here.name == kind
        links[place] = f"{name}.ipynb" if same else f"{root}/{kind}/{name}.ipynb"
    return links


def _still(rows: Sequence[Mapping[str, Any]], links: Mapping[str, str]) -> str:
    """The map as a table; its links are those that the drawn map moves to their places."""

    def link(place: str) -> str:
        if place not in links:
            return place_name(place)
        # only the number is the link, after its word; drawn, it keeps that place
        word, number = place_name(place).split()
        href = html.escape(links[place])
        return f'{word} <a data-place="{place}" href="{href}">{number}</a>'

    waiting = [
        f"<li>{html.escape(shortened(item['question']))} ({link(item['id'].split('-')[0])})</li>"
        for item in due()
    ]
    parts = [f"<p>Due again:</p><ul>{''.join(waiting)}</ul>"] if waiting else []
    for lesson, here in by_lesson(rows).items():
        parts.append(f"<p><b>{html.escape(f'{lesson} {title(lesson)}')}</b></p><ul>")
        for row in here:
            state = f"{SHAPES[row['state']]} {row['state']}"
            where = ", ".join(map(link, row["lessons"]))
            parts.append(f"<li>{state}: {html.escape(row['idea'])} ({where})</li>")
        parts.append("</ul>")
    return "".join(parts)
